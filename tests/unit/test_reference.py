"""The page of reference names all that the CRD has, with types, bounds, words and defaults, so that it cannot go stale.

Its YAML is tried on the API server by the cluster suite.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from controller.outcomes import Reason
from controller.spec import Spec
from deploy.local.replica import PROJECT

PAGE = (PROJECT / "docs" / "reference.md").read_text()
CRD = yaml.safe_load((PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml").read_text())
ROOT = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
SPEC: dict[str, dict[str, Any]] = ROOT["spec"]["properties"]
REQUIRED: list[str] = ROOT["spec"]["required"]
ROWS = {
    cells[0]: cells[1:] for cells in (re.split(r" \| ", line[2:-2]) for line in PAGE.splitlines() if line[:2] == "| ")
}
WORD = re.compile(r"`([^`]+)`")


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property below a schema, lists looked into."""
    for name, property_ in schema.get("properties", {}).items():
        if property_.get("description") != "Not used.":  # taken because exported manifests have it
            yield name, property_
        yield from properties(property_)
        yield from properties(property_.get("items", {}))


def default(field: str) -> str:
    """What an author gets who leaves the field out."""
    if field in REQUIRED:
        return "required"
    if "default" in SPEC[field]:
        return yaml.safe_dump(SPEC[field]["default"]).splitlines()[0]
    # Some defaults are the controller's own: the field means something only beside another one.
    attribute = getattr(Spec(expressions=()), re.sub("([A-Z])", r"_\1", field).lower(), None)
    return "none" if attribute is None else str(attribute)


@pytest.mark.parametrize("field", SPEC)
def test_each_field_of_the_spec_has_a_row_with_its_default(field: str) -> None:
    told = ROWS[f"`{field}`"][1].strip("`")
    assert told == default(field).strip("'")


@pytest.mark.parametrize("field", SPEC)
def test_the_row_names_the_type_with_its_bounds_and_words(field: str) -> None:
    schema, told = SPEC[field], ROWS[f"`{field}`"][0]
    if "enum" in schema:
        assert WORD.findall(told) == [word for word in schema["enum"] if word]
        return
    assert told.startswith({"array": "list"}.get(schema["type"], schema["type"]))
    bounds = [schema.get(bound) for bound in ("minimum", "minItems")] + [
        schema.get(bound) for bound in ("maximum", "maxItems") if schema.get(bound) != 2**31 - 1
    ]
    assert {str(bound) for bound in bounds if bound is not None} <= set(re.findall(r"\d+", told))


def test_the_page_invents_no_field() -> None:
    known = {name for name, _ in properties(ROOT["spec"])} | {name for name, _ in properties(ROOT["status"])}
    rows = [word for first in ROWS for word in WORD.findall(first)]
    camel = {word for word in rows if re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", word)}
    assert camel <= known


@pytest.mark.parametrize("field", dict(properties(ROOT["status"])))
def test_each_field_of_the_status_is_named_where_the_status_is_told(field: str) -> None:
    told = PAGE[PAGE.index("## What the status tells") : PAGE.index("## What an edit does")]
    assert f"`{field}`" in told


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_told_with_the_count_that_it_goes_to(reason: Reason) -> None:
    assert ROWS[f"`{reason.value}`"][0] == reason.counted_as


def test_every_property_of_the_crd_says_what_it_is() -> None:
    nameless = {"apiVersion", "kind", "metadata"}
    assert [name for name, schema in properties({"properties": ROOT}) if not schema.get("description")] == [
        name for name in ROOT if name in nameless
    ]


def test_links_within_the_page_lead_somewhere() -> None:
    heads = [
        re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", PAGE, re.M)
    ]
    links = re.findall(r"\]\(#([^)]*)\)", PAGE)
    assert links
    assert set(links) <= set(heads)
