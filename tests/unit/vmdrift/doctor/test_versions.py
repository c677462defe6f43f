"""The cluster's versions against those that this release supports."""

from dataclasses import replace
from datetime import date

import pytest

from tests.unit.vmdrift.doctor.test_judge import CLUSTER
from vmdrift.doctor.facts import ClusterFacts, KubeVirt, Unreadable
from vmdrift.doctor.finding import Finding, Status
from vmdrift.doctor.judge import exit_code
from vmdrift.doctor.versions import supported, version_findings

OK, WARNING, UNKNOWN = Status.OK, Status.WARNING, Status.UNKNOWN


def facts(kubernetes: str | Unreadable = "v1.36.2", kubevirt: str = "v1.9.0") -> ClusterFacts:
    return replace(CLUSTER, version=kubernetes, kubevirt=KubeVirt(kubevirt, "Deployed"))


def found(kubernetes: str | Unreadable = "v1.36.2", kubevirt: str = "v1.9.0") -> list[Finding]:
    return list(version_findings(facts(kubernetes, kubevirt)))


def statuses(kubernetes: str = "v1.36.2", kubevirt: str = "v1.9.0") -> dict[str, Status]:
    return {finding.about: finding.status for finding in found(kubernetes, kubevirt)}


@pytest.mark.parametrize(
    "kubernetes", ["v1.36.2", "v1.35.9", "1.36", "v1.36.4+rke2r1", "v1.36.1-eks-1-36", "v1.36.0+simulated"]
)
def test_supported_versions_are_well_whatever_their_vendor_adds(kubernetes: str) -> None:
    assert statuses(kubernetes) == {"Kubernetes": OK, "KubeVirt": OK}


@pytest.mark.parametrize(
    ("kubernetes", "said"),
    [
        ("v1.34.3", "older than what this vm-drift supports (1.35 to 1.37)"),
        ("v1.4.0", "older than"),  # four comes before thirty-five
        ("v0.99.0", "older than"),
        ("v1.38.0", "newer than what this vm-drift knows (1.35 to 1.37)"),
        ("v1.350.0", "newer than"),
        ("v2.0.0", "newer than"),
        ("master", "cannot be compared"),
        ("", "cannot be compared"),
    ],
)
def test_outside_of_what_is_supported_is_a_warning_that_says_what_to_do(kubernetes: str, said: str) -> None:
    first, second = found(kubernetes)
    assert (first.about, first.status, second.status) == ("Kubernetes", WARNING, OK)
    assert said in first.sentence
    assert "vmdrift plan" in first.fix
    assert exit_code([first, second]) == 0


@pytest.mark.parametrize(
    ("kubevirt", "said"), [("v1.7.0", "older than"), ("v1.10.0", "newer than"), ("devel", "cannot be")]
)
def test_the_same_goes_for_kubevirt(kubevirt: str, said: str) -> None:
    _, second = found(kubevirt=kubevirt)
    assert (second.about, second.status) == ("KubeVirt", WARNING)
    assert said in second.sentence


def test_two_that_their_own_project_did_not_try_together_are_named() -> None:
    *_, pair = found("v1.37.1", "v1.9.2")
    assert (pair.status, pair.sentence) == (
        WARNING,
        "KubeVirt's project validated 1.9 with Kubernetes 1.34, 1.35, 1.36, not with 1.37.",
    )
    assert statuses("v1.36.0", "v1.8.0")["KubeVirt on Kubernetes"] is WARNING
    assert statuses("v1.35.0", "v1.8.0") == {"Kubernetes": OK, "KubeVirt": OK}


def test_a_version_that_cannot_be_read_is_unknown_and_kubevirts_is_judged_all_the_same() -> None:
    first, second = found(Unreadable("no answer"))
    assert (first.status, second.about, second.status) == (UNKNOWN, "KubeVirt", OK)


@pytest.mark.parametrize("kubevirt", [None, Unreadable("403"), KubeVirt("", "Deployed")])
def test_a_kubevirt_without_a_version_is_found_elsewhere(kubevirt: KubeVirt | Unreadable | None) -> None:
    judged = version_findings(replace(CLUSTER, kubevirt=kubevirt))
    assert [finding.about for finding in judged] == ["Kubernetes"]


def test_no_more_of_a_strange_version_is_shown_than_fits_a_line() -> None:
    assert len(found("x" * 5000)[0].sentence) < 150


def test_the_table_names_what_is_tried_and_ends() -> None:
    table = supported()
    assert {kind: [row.name for row in rows] for kind, rows in table.items()} == {
        "kubernetes": ["1.35", "1.36", "1.37"],
        "kubevirt": ["1.8", "1.9"],
    }
    assert all(isinstance(row.until, date) for rows in table.values() for row in rows)
    assert all(row.tried for row in table["kubernetes"])
    assert all(row.kubernetes for row in table["kubevirt"])
