"""The values of a chart that is released: it installs the image that was released with it, by its digest."""

from __future__ import annotations

import re
from typing import Final

_IMAGE: Final = re.compile(r"(?P<repository>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")
_OURS: Final = re.compile(r"(?ms)^image:\n.*?^(?=\S)")
"""The part of the values that is about the controller's image; Redis's is further in."""


def values(text: str, image: str) -> str:
    """The values file with this image.

    Args:
        text: The chart's values file.
        image: Such as `registry.example.com/dcron/controller@sha256:...`.

    Raises:
        ValueError: The image has no digest, or the values file has no place for it.
    """
    named = _IMAGE.fullmatch(image)
    if named is None:
        raise ValueError(f"no repository with a digest: {image!r}")
    ours = _OURS.search(text)
    part = ours.group() if ours else ""
    for key in ("repository", "digest"):
        part, times = re.subn(rf"(?m)^(  {key}:).*$", rf"\1 {named[key]}", part)
        if times != 1:
            raise ValueError(f"image.{key} stands {times} times in the values")
    return text.replace(ours.group(), part, 1) if ours else text
