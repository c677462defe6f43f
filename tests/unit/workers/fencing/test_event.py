"""The provider `event`: what somebody said counts for one boot, until that node gives a sign of life."""

from dataclasses import replace

import pytest

from reactor.model.fencing import CLAIMS, CONFIG_MAP, Claim, State, Target
from rehearsal.twins.cluster import ApiCluster
from simulator.world import World
from tests.unit.workers.fencing.views import OUTAGE
from workers.fencing.providers.event import EventProvider

_TARGET = Target(OUTAGE, "boot-1", "m-1", "lease", "beat")
_CLAIM = Claim(OUTAGE.node, "boot-1", "ann", "its lamp is out", 1000.0, "lease", "beat")


def _provider(*claims: Claim, place: str = CLAIMS) -> EventProvider:
    cluster = ApiCluster(World().api, "system:admin")
    for claim in claims:
        cluster.note(place, "vm-drift", {claim.key: claim.as_text()})
    return EventProvider(cluster, "vm-drift")


def test_what_was_said_of_this_very_boot_is_a_proof_with_who_when_and_how() -> None:
    standing = _provider(_CLAIM).status(_TARGET)
    assert (standing.state, standing.by, standing.ours) == (State.FENCED, "ann", False)
    assert standing.sentence == 'ann said at 00:16:40Z that it is off: "its lamp is out".'


@pytest.mark.parametrize(
    "claim",
    [
        replace(_CLAIM, boot="boot-2"),
        replace(_CLAIM, node=replace(OUTAGE.node, uid="another")),
        replace(_CLAIM, lease="before"),
        replace(_CLAIM, heartbeat="before"),
        replace(_CLAIM, reported="before"),
    ],
    ids=[
        "another boot",
        "another incarnation",
        "its kubelet spoke since",
        "its virt-handler spoke since",
        "it was Ready since",
    ],
)
def test_what_was_said_of_another_or_before_a_sign_of_life_is_none(claim: Claim) -> None:
    assert _provider(claim).status(_TARGET).state is State.ABSENT


def test_what_was_said_before_an_upgrade_counts_where_it_stood_then() -> None:
    assert _provider(_CLAIM, place=CONFIG_MAP).status(_TARGET).state is State.FENCED


def test_where_nobody_said_anything_or_nobody_can_read_it_it_says_so() -> None:
    assert "Nobody has confirmed" in _provider().status(_TARGET).sentence
    cluster = ApiCluster(World().api, "system:admin")
    cluster.note(CLAIMS, "vm-drift", {_CLAIM.key: "{"})
    assert EventProvider(cluster, "vm-drift").status(_TARGET).state is State.ABSENT


def test_nobody_can_be_asked_and_nothing_has_to_be_taken_back() -> None:
    provider = _provider()
    provider.fence(_TARGET)
    assert provider.status(_TARGET).state is State.ABSENT
    assert provider.release(_TARGET).state is State.ABSENT
