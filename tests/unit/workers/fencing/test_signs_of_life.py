"""A sign of life puts in doubt what was said before; the kubelet's own report says whether it was wrong."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.confirmation_source import Source
from reactor.model.fencing import Attempt, Fencing, ProviderStatus, State
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from tests.unit.workers.fencing.views import BACK, FILE, NOBODY, NODE, NOW, OFF, OUTAGE, POLICY, PROVEN, REBOOTED, seen
from workers.fencing.decide import next_move
from workers.fencing.decide.boot_file import boot_file

HEARD = replace(BACK, reported="later")
DONE = ProviderStatus(State.FENCED, "It has succeeded.", by="FAR a/b", ours=True, evidence="uid-1 10:00")
PDU = ProviderStatus(State.FENCED, "pdu said so.", by="pdu")
ANN = ProviderStatus(State.FENCED, "ann said so.", by="ann", person=True)
REDFISH, OF_PDU, OF_ANN = Source("redfish"), Source("event", "pdu"), Source("event", "ann", person=True)
AGAIN = Outage(OUTAGE.node, 2000)


def _after(file: Fencing, node: NodeView | None = NODE, now: float = NOW, **more: Any) -> Fencing:
    move = next_move(seen(**{"node": node, "standings": {"event": NOBODY}, **more}), file, POLICY, now)
    assert move.file
    return move.file


def _lost_again(file: Fencing, **more: Any) -> Fencing:
    node = replace(NODE, ready_since=2000.0, reported=file.reported)
    _, begun = boot_file(AGAIN, node, [file], POLICY, 2010.0)
    assert begun
    return _after(begun, node, 2010.0, **more)


def test_a_lease_of_whatever_boot_puts_the_proof_in_doubt_and_refutes_nobody() -> None:
    file = _after(PROVEN, lease="another", standings={"redfish": OFF})
    assert (file.proof, file.reason, file.refuted) == (None, "in-doubt", ())
    ended = next_move(seen(node=replace(REBOOTED, reported="later"), standings={"redfish": OFF}), file, POLICY, NOW)
    assert ended.file is None


@pytest.mark.parametrize("node", [HEARD, replace(HEARD, ready="False"), BACK], ids=["Ready", "not Ready", "no stamp"])
def test_a_report_of_the_same_boot_refutes_who_had_confirmed_that_it_is_off(node: NodeView) -> None:
    file = _after(replace(PROVEN, reported="sooner"), node)
    assert (file.proof, file.refuted, file.reason, file.closed) == (None, (REDFISH,), "refuted", True)
    assert file.sentence.endswith("for this boot not believed: redfish.")


def test_a_report_of_another_boot_refutes_nobody() -> None:
    assert next_move(seen(node=REBOOTED, standings={}), PROVEN, POLICY, NOW).file is None


def test_all_who_said_so_are_refuted_and_not_only_the_one_who_was_believed() -> None:
    file = _after(FILE, standings={"redfish": OFF, "event": PDU})
    assert set(_after(file, HEARD).refuted) == {REDFISH, OF_PDU}


def test_who_says_so_only_after_the_report_is_not_refuted_by_it() -> None:
    file = _after(replace(PROVEN, reported="sooner"), HEARD, standings={"redfish": OFF, "event": PDU})
    assert file.refuted == (REDFISH,)


def test_what_was_refuted_does_not_count_in_the_next_outage_nor_from_another_object_that_says_the_same() -> None:
    file = _after(_after(FILE, standings={"remediation": DONE}), HEARD)
    for evidence in ("uid-1 10:00", "uid-2 11:00"):
        again = _lost_again(file, standings={"remediation": replace(DONE, evidence=evidence)})
        assert (again.outage, again.closed, again.proof) == (AGAIN, False, None)
        assert again.sentence.endswith("An earlier confirmation of this boot was wrong (remediation).")


def test_a_sender_that_was_wrong_is_not_believed_again_but_another_one_is() -> None:
    file = _after(_after(FILE, standings={"event": PDU}), HEARD)
    assert _lost_again(file, standings={"event": PDU}).proof is None
    other = _lost_again(file, standings={"event": replace(PDU, by="switch")})
    assert other.proof
    assert other.proof.source == Source("event", "switch")


def test_a_person_may_look_once_more_and_it_says_that_they_were_wrong_before() -> None:
    file = _after(_after(FILE, standings={"event": ANN}), HEARD)
    assert file.refuted == (OF_ANN,)
    again = _lost_again(file, standings={"event": ANN})
    assert again.proof
    assert again.sentence == (
        "Proven dead (event). ann said so. An earlier confirmation of this boot was wrong (event, by ann)."
    )


def test_a_sender_that_calls_itself_as_a_person_is_none() -> None:
    file = _after(_after(FILE, standings={"event": replace(ANN, person=False)}), HEARD)
    assert _lost_again(file, standings={"event": replace(ANN, person=False)}).proof is None


def test_who_was_wrong_is_not_asked_to_fence_this_boot_again_and_what_they_were_asked_for_has_failed() -> None:
    asked = replace(PROVEN, attempts=(Attempt("redfish", NOW - 10),))
    again = _lost_again(asked, standings={"redfish": OFF})
    assert [(one.provider, one.over) for one in again.attempts] == [("redfish", "it was wrong about this boot before")]
    _, begun = boot_file(AGAIN, replace(NODE, ready_since=2000.0), [again], POLICY, 2010.0)
    assert begun
    move = next_move(seen(node=replace(NODE, ready_since=2000.0), standings={"redfish": OFF}), begun, POLICY, 9999.0)
    assert move.file
    assert (move.deed, move.file.reason) == (None, "awaiting-proof")


def test_between_two_outages_of_one_boot_it_was_ready_so_what_was_said_before_was_wrong() -> None:
    again = _lost_again(PROVEN, standings={"redfish": OFF})
    assert (again.proof, again.refuted) == (None, (REDFISH,))


def test_evidence_that_is_older_than_a_sign_of_life_does_not_count_and_a_newer_one_does() -> None:
    file = _after(_after(FILE, standings={"remediation": DONE}), lease="another", standings={"remediation": DONE})
    late = NOW + 999
    assert _after(file, now=late, lease="another", standings={"remediation": DONE}).proof is None
    newer = replace(DONE, evidence="uid-2 11:00")
    assert _after(file, now=late, lease="another", standings={"remediation": newer}).proof


def test_a_boot_that_is_not_known_is_no_other_one() -> None:
    unknown = replace(BACK, boot="")
    file = _after(PROVEN, unknown, standings={"network-fence": ProviderStatus(State.FENCED, "Blocked.", ours=True)})
    assert file.reason == "half-fenced"


def test_who_was_wrong_is_forgotten_when_the_boot_has_ended_or_its_node_is_gone_for_a_month() -> None:
    file = _after(replace(PROVEN, reported="sooner"), HEARD)
    month = 30 * 86400.0
    for node, now in ((REBOOTED, NOW), (replace(REBOOTED, uid="uid-b"), NOW), (None, file.at + month)):
        assert next_move(seen(node=node), file, POLICY, now).file is None
    for node, now in ((HEARD, file.at + month), (replace(HEARD, uid="uid-b"), NOW), (None, file.at + month - 1)):
        assert next_move(seen(node=node), file, POLICY, now).file == file


def test_a_node_that_registers_anew_in_the_same_boot_is_no_way_around_it() -> None:
    file = _after(replace(PROVEN, reported="sooner"), HEARD)
    node = replace(NODE, uid="uid-b")
    assert node.outage
    _, begun = boot_file(node.outage, node, [file], POLICY, NOW)
    assert begun
    assert begun.refuted == (REDFISH,)


def test_a_file_of_the_version_before_which_knows_no_report_is_neither_doubted_nor_refuted() -> None:
    node = replace(NODE, reported="sooner")
    file = _after(PROVEN, node, standings={"redfish": OFF})
    assert (file.proof, file.reported, file.silent_since) == (PROVEN.proof, "sooner", PROVEN.silent_since)
    assert _after(file, replace(node, reported="later"), standings={"redfish": OFF}).refuted == (REDFISH,)


def test_each_boot_has_a_file_and_a_key_of_its_own() -> None:
    node = replace(NODE, boot="boot-2", ready_since=2000.0)
    known, begun = boot_file(AGAIN, node, [PROVEN], POLICY, NOW)
    assert known is None
    assert begun
    assert (begun.boot, begun.proof, begun.key == PROVEN.key) == ("boot-2", None, False)
    assert boot_file(OUTAGE, node, [PROVEN, begun], POLICY, NOW) == (PROVEN, PROVEN)
    assert boot_file(AGAIN, node, [PROVEN, begun], POLICY, NOW) == (begun, begun)
