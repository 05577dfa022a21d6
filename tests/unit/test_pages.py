"""No page leads a reader astray: its links arrive, and what it tells to type or to set is there."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from typing import Any, Final

import pytest
import yaml

from controller.settings import Settings
from deploy.local.replica import PROJECT
from tests.docs.pages import Page, broken, pages

PAGES: Final = pages()
each_page: Final = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

TARGETS: Final = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
VARIABLES: Final = {f"DCRON_{field.name.upper()}" for field in fields(Settings)} | set(
    re.findall(r"DCRON_[A-Z_]+", (PROJECT / "controller" / "jobs.py").read_text())
)
"""The settings, and what containers of a Job are given."""
CRD: Final = yaml.safe_load((PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml").read_text())
SCHEMA: Final[dict[str, Any]] = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
VALUES: Final[dict[str, Any]] = yaml.safe_load((PROJECT / "charts" / "dcron" / "values.yaml").read_text())
FILE: Final = re.compile(r"(?:charts|controller|crds|deploy|docs|plugin|tests)/[\w./-]*")
SERIES: Final = re.compile(
    "dcron_(?:{})(?:_total|_bucket|_sum|_count)?".format(
        "|".join(
            re.findall(
                r"self\._(?:gauge|counter|histogram)\(\s*\"([a-z_]+)\"",
                (PROJECT / "controller" / "metrics.py").read_text(),
            )
        )
    )
)
ALERTS: Final = set(
    re.findall(r"alert: (\w+)", (PROJECT / "charts" / "dcron" / "files" / "alerts.yaml").read_text()),
)
ENDING: Final = re.compile(r"\.(?:crt|env|json|key|md|ya?ml)$")
"""Of a file, which is no value."""
MACHINE: Final = re.compile(r"(?<![\w.$}/-])/(?:home|root|Users|work|mnt|var/folders)/\w+")


def code(page: Page) -> str:
    """All code of a page, a line for each."""
    return "\n".join([*page.words, *page.blocks])


def field_exists(schema: dict[str, Any], path: str) -> bool:
    """Whether the CRD has a field; what lies below an opaque one is not ours to know."""
    for step in path.split("."):
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return True
        schema = schema.get("properties", {}).get(step) or {}
        if not schema:
            return False
        schema = schema.get("items", schema)
    return True


def value_exists(path: str) -> bool:
    """Whether the chart has a value; what lies below an empty map or list is the user's."""
    found: Any = VALUES
    for step in path.split("."):
        if not isinstance(found, dict) or not found:
            return found in ({}, [])
        if step not in found:
            return False
        found = found[step]
    return True


def test_the_pages_of_the_project_are_found() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/README.md", "charts/dcron/README.md"} <= names
    assert not any(name.startswith(".") for name in names)


@each_page
def test_each_link_leads_to_what_is_there(page: Page) -> None:
    assert broken(page) == []


@each_page
def test_no_page_names_a_path_of_somebodys_machine(page: Page) -> None:
    assert MACHINE.findall(page.text) == []


@each_page
def test_what_is_made_is_a_target(page: Page) -> None:
    assert set(re.findall(r"(?:^|[\s;&|(])make ([a-z][a-z-]*)", code(page), re.MULTILINE)) <= TARGETS


@each_page
def test_what_python_is_told_to_run_is_a_module(page: Page) -> None:
    named = set(re.findall(r"\bpython3? -m ([A-Za-z_][\w.]*\w)", code(page)))
    assert {name for name in named if importlib.util.find_spec(name) is None} == set()


@each_page
def test_each_variable_is_a_setting_or_what_a_job_is_given(page: Page) -> None:
    assert set(re.findall(r"\bDCRON_[A-Z_]*[A-Z]\b", page.text)) <= VARIABLES


@each_page
def test_each_file_that_is_named_is_there(page: Page) -> None:
    named = {word for word in page.words if FILE.fullmatch(word)}
    assert {name for name in named if not (PROJECT / name).exists()} == set()


@each_page
def test_each_field_of_an_object_is_one_of_the_crd(page: Page) -> None:
    named = [word for word in page.words if re.fullmatch(r"(?:spec|status)(?:\.[A-Za-z]+)+", word)]
    assert [path for path in named if not field_exists(SCHEMA, path)] == []


@each_page
def test_each_metric_is_one_of_a_replica(page: Page) -> None:
    named = set(re.findall(r"\bdcron_[a-z_]+\b", code(page)))
    assert {name for name in named if not SERIES.fullmatch(name)} == set()


@each_page
def test_each_alert_is_one_of_the_rules(page: Page) -> None:
    assert set(re.findall(r"\bDcron[A-Z]\w+", code(page))) <= ALERTS


@each_page
def test_each_value_of_the_chart_is_one_of_its_values(page: Page) -> None:
    named = [word.partition("=")[0] for word in page.words]
    paths = [
        path for path in named if re.fullmatch(r"[a-z][A-Za-z]*(?:\.[a-zA-Z]+)+", path) and not ENDING.search(path)
    ]
    assert [path for path in paths if path.partition(".")[0] in VALUES and not value_exists(path)] == []


def test_every_page_of_the_folder_stands_in_its_index() -> None:
    (index,) = (page for page in PAGES if page.name == "docs/README.md")
    listed = {link.partition("#")[0] for link in index.links}
    assert {page.path.name for page in PAGES if page.path.parent == index.path.parent} - {"README.md"} <= listed


WRONG: Final = """\
# The `first` one, twice

## Twice
## Twice

[there](#twice-1), [not there](#twice-2), [a file](Makefile), [no file](Makefiel), [out](../..), [root](/etc/hosts),
[with a name](#the-first-one-twice), ![a picture](docs/none.svg), `[code](none.md)`, [elsewhere](https://example.com/x)

```
[in a block](none.md)
# no heading
```

1. A step:

   ```
   [in its block](none.md)
   ```
"""


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = Page(PROJECT / "README.md", WRONG)
    assert broken(page) == [
        "#twice-2: has no such heading",
        "Makefiel: is not there",
        "../..: leads out of the project",
        "/etc/hosts: begins at the root of a machine",
        "docs/none.svg: is not there",
    ]


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("spec.schedule", True),
        ("spec.jobTemplate.spec.whatever", True),
        ("status.recent", True),
        ("status.backfill.total", True),
        ("spec.shedule", False),
        ("status.backfill.sum", False),
    ],
)
def test_a_field_that_does_not_exist_is_found(path: str, there: bool) -> None:
    assert field_exists(SCHEMA, path) is there


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("redis.bundled.maxMemory", True),
        ("replicas", True),
        ("podAnnotations.mine", True),
        ("redis.bundled.memory", False),
        ("replicas.number", False),
    ],
)
def test_a_value_that_does_not_exist_is_found(path: str, there: bool) -> None:
    assert value_exists(path) is there
