"""VMs that say the same are one group; those that need somebody are first; and which are wanted."""

from dataclasses import replace

from reactor.model.drift import Phase, Record
from reactor.model.groups import Wanted, groups
from reactor.model.identity import Drift, VmRef
from reactor.model.reason import REASONS
from tests.contracts.samples import LOST_AT, drift, outage


def vm(name: str, phase: Phase, reason: str, sentence: str = "x") -> Record:
    return Record(drift(name), phase, reason, sentence, LOST_AT, LOST_AT, again_at=LOST_AT + 300.0)


def test_sixty_vms_that_say_three_things_are_three_groups_those_first_that_need_somebody() -> None:
    moved = [vm(f"web-{number:02}", Phase.COMPLETED, "running-elsewhere", f"On node-{number}.") for number in range(50)]
    waiting = [vm(f"slow-{number}", Phase.RELEASED, "force-deleted") for number in range(8)]
    stuck = [vm(f"old-{number}", Phase.REFUSED, "pinned-to-node", "Only there.") for number in range(2)]
    found = groups([*moved, *waiting, *stuck])
    assert [(group.first.reason, len(group.records)) for group in found] == [
        ("pinned-to-node", 2),
        ("force-deleted", 8),
        ("running-elsewhere", 50),
    ]
    assert [group.urgent for group in found] == [True, False, False]


def test_what_nobody_can_do_anything_about_comes_after_what_somebody_can() -> None:
    found = groups([vm("a", Phase.BLOCKED, "could-be-put-back"), vm("b", Phase.BLOCKED, "kubelet-alive")])
    assert [(group.first.reason, group.urgent) for group in found] == [
        ("kubelet-alive", True),
        ("could-be-put-back", False),
    ]


def test_a_group_says_what_all_say_or_else_what_the_reason_means() -> None:
    same, other = [
        groups(vm(name, Phase.COMPLETED, "running-elsewhere", sentence) for name, sentence in said)[0]
        for said in ([("a", "On b."), ("c", "On b.")], [("a", "On b."), ("c", "On d.")])
    ]
    assert (same.sentence, same.same_words) == ("On b.", True)
    assert (other.sentence, other.same_words) == (REASONS["running-elsewhere"].meaning, False)


def test_a_line_names_three_vms_and_counts_the_others() -> None:
    (group,) = groups(vm(name, Phase.RELEASED, "force-deleted") for name in "dcab")
    assert group.names == "shop/a, shop/b, shop/c and 1 more"


def test_a_vm_is_wanted_by_a_part_of_its_name_its_namespace_and_its_phase() -> None:
    web = vm("Web-1", Phase.RELEASED, "force-deleted")
    other = replace(web, drift=Drift(VmRef("bank", "db", "uid"), outage()))
    assert [Wanted().takes(one) for one in (web, other)] == [True, True]
    assert [Wanted("wEb").takes(one) for one in (web, other)] == [True, False]
    assert [Wanted(namespace="bank").takes(one) for one in (web, other)] == [False, True]
    assert [Wanted(namespace="ban").takes(one) for one in (web, other)] == [False, False]
    assert Wanted("web", "shop", "released").takes(web)
    assert not Wanted("web", "shop", "failed").takes(web)
    assert not Wanted().anything
