"""The comparison of the parity tests, held against pairs made by hand: it must find each thing that must not differ."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.likeness import MEANT, differences

Edit = Callable[[dict[str, Any]], Any]


def job(name: str, uid: str, owner: dict[str, str]) -> dict[str, Any]:
    """A Job as the API server holds it; by batch/v1, or ours before we have added anything."""
    labels = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    main = {"name": "main", "image": "busybox", "env": [{"name": "A", "value": "1"}], "resources": {}}
    return {
        "metadata": {
            "name": name,
            "uid": uid,
            "namespace": name,
            "resourceVersion": uid,
            "labels": {"team": "billing"},
            "annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-03-02T13:00:00+01:00"},
            "ownerReferences": [{"name": "report", "controller": True, "blockOwnerDeletion": True, **owner}],
        },
        "spec": {
            "backoffLimit": 6,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "initContainers": [{"name": "before", "image": "busybox"}],
                    "containers": [main],
                    "volumes": [{"name": "work", "emptyDir": {}}],
                },
            },
        },
        "status": {"startTime": name},
    }


def theirs() -> dict[str, Any]:
    return job("report-29540000", "7d1a", {"apiVersion": "batch/v1", "kind": "CronJob", "uid": "0c4e"})


def ours() -> dict[str, Any]:
    owner = {"apiVersion": "dcron.io/v1", "kind": "DistributedCronJob", "uid": "f00d"}
    made = job("report-20260302120000-f00d", "88ee", owner)
    made["metadata"]["labels"] |= {"dcron.io/uid": "f00d", "dcron.io/name": "report"}
    made["metadata"]["annotations"] |= {"dcron.io/scheduled-at": "2026-03-02T12:00:00Z", "dcron.io/fired-by": "north"}
    for kind in ("initContainers", "containers"):
        container = made["spec"]["template"]["spec"][kind][0]
        container["env"] = [
            *container.get("env", []),
            {"name": "DCRON_SCHEDULED_AT", "value": "2026-03-02T12:00:00Z"},
            {"name": "DCRON_NAME", "value": "report"},
        ]
    return made


def main(made: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = made["spec"]["template"]["spec"]["containers"][0]
    return container


def test_jobs_that_differ_only_as_they_are_meant_to_are_alike() -> None:
    assert differences(ours(), theirs()) == []


def test_a_job_of_batch_v1_is_like_itself() -> None:
    assert differences(theirs(), theirs()) == []


WRONG: dict[str, tuple[Edit, str]] = {
    "a value that differs": (lambda made: made["spec"].update(backoffLimit=0), "spec.backoffLimit: ours has 0"),
    "a value of another type": (lambda made: made["spec"].update(backoffLimit="6"), "ours has '6', batch/v1's has 6"),
    "a value that is gone": (lambda made: made["spec"].pop("backoffLimit"), "spec.backoffLimit: ours has nothing"),
    "a value more": (lambda made: made["spec"].update(suspend=True), "spec.suspend: ours has True"),
    "an empty map that is gone": (lambda made: main(made).pop("resources"), "[0 main].resources: ours has nothing"),
    "a volume of another kind": (
        lambda made: made["spec"]["template"]["spec"].update(volumes=[{"name": "work", "hostPath": {"path": "/"}}]),
        "volumes[0 work].emptyDir: ours has nothing, batch/v1's has {}",
    ),
    "a label that is gone": (lambda made: made["metadata"]["labels"].pop("team"), "metadata.labels.team"),
    "an unknown label of ours": (
        lambda made: made["metadata"]["labels"].update({"dcron.io/extra": "1"}),
        "metadata.labels[dcron.io/extra]: ours has '1'",
    ),
    "a label of ours on the pods": (
        lambda made: made["spec"]["template"]["metadata"]["labels"].update({"dcron.io/uid": "f00d"}),
        "spec.template.metadata.labels[dcron.io/uid]",
    ),
    "an annotation that is gone": (
        lambda made: made["metadata"]["annotations"].pop("batch.kubernetes.io/cronjob-scheduled-timestamp"),
        "cronjob-scheduled-timestamp]: ours has nothing",
    ),
    "the instant in another zone": (
        lambda made: made["metadata"]["annotations"].update(
            {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-03-02T12:00:00Z"}
        ),
        "cronjob-scheduled-timestamp]: ours has '2026-03-02T12:00:00Z'",
    ),
    "a finalizer": (lambda made: made["metadata"].update(finalizers=["x"]), "metadata.finalizers[0]: ours has 'x'"),
    "no owner": (lambda made: made["metadata"].pop("ownerReferences"), "ownerReferences[0 report].controller"),
    "an owner that does not block": (
        lambda made: made["metadata"]["ownerReferences"][0].update(blockOwnerDeletion=False),
        "ownerReferences[0 report].blockOwnerDeletion",
    ),
    "an owner of another name": (
        lambda made: made["metadata"]["ownerReferences"][0].update(name="other"),
        "ownerReferences[0 report].name: ours has nothing",
    ),
    "a selector of another Job": (
        lambda made: made["spec"]["selector"]["matchLabels"].update({"batch.kubernetes.io/controller-uid": "beef"}),
        "spec.selector.matchLabels[batch.kubernetes.io/controller-uid]: ours has 'beef'",
    ),
    "an unknown variable of ours": (
        lambda made: main(made)["env"].append({"name": "DCRON_EXTRA", "value": "1"}),
        "env[3 DCRON_EXTRA].name",
    ),
    "a variable of ours before the author's": (lambda made: main(made)["env"].reverse(), "env[0 A].value"),
    "a container more": (
        lambda made: made["spec"]["template"]["spec"]["containers"].append({"name": "spy"}),
        "containers[1 spy].name: ours has 'spy'",
    ),
}


@pytest.mark.parametrize("row", WRONG)
def test_everything_else_is_found(row: str) -> None:
    edit, told = WRONG[row]
    made = ours()
    edit(made)
    assert told in "\n".join(differences(made, theirs()))


def test_a_variable_of_the_author_that_is_replaced_is_found() -> None:
    mine, other = ours(), theirs()
    main(other)["env"] = [{"name": "DCRON_NAME", "value": "of the author"}]
    main(mine)["env"] = [{"name": "DCRON_NAME", "value": "report"}]
    (told,) = differences(mine, other)
    assert "env[0 DCRON_NAME].value: ours has 'report', batch/v1's has 'of the author'" in told


def test_a_job_without_labels_may_show_those_that_the_job_controller_gives_its_pods() -> None:
    mine, other = ours(), theirs()
    del mine["metadata"]["labels"]["team"]
    other["metadata"]["labels"] = copy.deepcopy(other["spec"]["template"]["metadata"]["labels"])
    assert differences(mine, other) == []
    other["metadata"]["labels"]["app"] = "report"
    assert differences(mine, other) == ["metadata.labels.app: ours has nothing, batch/v1's has 'report'"]


def test_every_meant_difference_says_why() -> None:
    assert all(meant.why for meant in MEANT)
