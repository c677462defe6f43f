"""Stories in which one check alone stands between the reactor and a mistake.

Each is told twice: as the product is, when the judge has nothing to say; and with that check always holding, when he
has. A mutant replaces a name of `workers.decide`, wherever the workers use it, for one test. A check that has a second
guard behind it (`act` looks at the node once more) has a story in which the guard is of no help.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Policy, Record, Signs
from reactor.model.fencing import ProviderStatus, State
from reactor.settings import Settings
from simulator.scene import Vm
from tests.properties import stories
from tests.properties.life import Life
from tests.properties.vms import ELIGIBLE, UNTOUCHABLE
from workers.decide.case import Case
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.life import signs
from workers.decide.observation import Observation, PodView
from workers.decide.volumes import volumes
from workers.fencing import decide as fencing
from workers.fencing.decide.view import FenceCase, FenceDecision

_VMS: Mapping[str, Vm] = {vm.name: vm for vm in (*ELIGIBLE, *UNTOUCHABLE)}
_REDFISH = replace(Settings().to_policy(), fencing=("redfish",))
_OBSERVE = replace(Settings().to_policy(), mode="observe")
_EVENT = replace(Settings().to_policy(), fencing=("event",))
_SUSPECTS, _WITNESSES = 2, 6 + 2 * 8  # seeds of worlds in which watchers suspect nodes, and are honest witnesses, too
_LEAVE = replace(Settings().to_policy(), tenants_may=("detach",))
_IN = (
    "decide",
    "decide.annotations",
    "decide.ending",
    "decide.life",
    "decide.node",
    "decide.proof",
    "decide.quorum",
    "decide.storage",
    "decide.volumes",
    "drift.act",
    "fencing.decide",
    "fencing.decide.asking",
    "fencing.decide.confirming",
    "fencing.decide.effect",
    "fencing.decide.signs_of_life",
    "fencing.decide.witnesses",
    "fencing.observe",
    "fencing.run",
    "observe",
)
_USERS: tuple[ModuleType, ...] = tuple(import_module(f"workers.{name}") for name in _IN)


@dataclass(frozen=True)
class Mutant:
    """`name` in `workers.decide` becomes `instead`; `story` is what shows it, with these VMs.

    `guard`: the second one behind it, taken away as well. `seed`: as in Begun.
    """

    name: str
    vms: tuple[str, ...]
    story: Callable[[Life], None]
    instead: Any = lambda *_, **__: Passed("A mutant's.")
    policy: Policy | None = None
    guard: str = ""
    seed: int = 0

    def remove(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the check away."""
        for module in _USERS:
            if hasattr(module, self.name):
                monkeypatch.setattr(module, self.name, self.instead)
            if self.guard and hasattr(module, self.guard):
                monkeypatch.setattr(module, self.guard, _nothing)

    def lived(self) -> Life:
        """The story from its beginning to its end; AssertionError where something is wrong with it."""
        life = Life((_VMS[name] for name in self.vms), self.seed, self.policy)
        self.story(life)
        life.rest()
        return life


def _without_uid(cluster: Cluster, _record: Record, pod: PodView) -> None:
    cluster.delete("pods", pod.name, pod.namespace, uid=None, grace=0)  # type: ignore[arg-type]


def _always_auto(_seen: Any, policy: Any) -> Any:
    return replace(policy, mode="auto")


def _least_careful(wish: Any, *_: Any) -> str:
    return str(wish.words[0])


def _always_complete(*_: Any) -> Judgement:
    return Judgement("running-elsewhere", "A mutant's.")


def _always(*_: Any) -> bool:
    return True


def _no_word(*_: Any) -> str:
    return ""


def _says_so(_provider: str, standing: ProviderStatus, _file: Any) -> bool:
    return standing.state is State.FENCED


def _nothing(*_: Any) -> None:
    return None


def _unmoved(before: Signs | None, seen: Observation, now: float) -> Signs | None:
    """What was read last is remembered, but it does not matter that it is another value."""
    new = signs(before, seen, now)
    return replace(new, since=before.since, alive="") if new and before else new


def _careless(case: Case, released_at: float) -> Verdict:
    """The attachments are deleted whatever is known of the node."""
    return volumes(case.seen, case.policy, released_at, case.now)


def _unproven_as_lost(case: FenceCase) -> FenceDecision:
    """Of a node that is only suspected a fence is asked for as of one that Kubernetes calls Unknown."""
    return fencing._unproven(case, early=False)  # noqa: SLF001 - what a mutant does


_HELD = (
    Mutant("still_lost", ("web",), stories.network_back),
    Mutant("window", ("quick",), stories.early),
    Mutant("silent", ("web",), stories.kubelet_dead),
    Mutant("quorum", ("web",), stories.three_lost),
    Mutant("placement", ("wiki", "licence"), lambda life: stories.power_cut_at("node-b", life)),
    Mutant("storage", ("web", "foreign"), stories.power_cut),
    Mutant("comeback", ("web", "hand"), stories.power_cut),
    Mutant("permitted", ("web", "stay"), stories.power_cut),
    Mutant("terminating", ("web", "patient"), stories.power_cut),
    Mutant("volumes", ("db",), stories.power_cut),
    Mutant("proof", ("wiki", "sealed"), lambda life: stories.power_cut_at("node-b", life)),
)
_OTHERS = (
    Mutant("signs", ("web",), stories.kubelet_dead, _unmoved),
    Mutant("wished", ("wiki", "watched"), lambda life: stories.power_cut_at("node-b", life), _always_auto),
    Mutant("_counts", ("web",), stories.asked_for_more, _least_careful, _OBSERVE),
    Mutant("_elsewhere", ("web",), stories.target_lost, _nothing),
    Mutant("ending", ("db",), stories.power_cut, _always_complete),
    Mutant("_freed", ("queue",), stories.sign_after_release, _careless, _LEAVE),
    Mutant("COOL_DOWN", ("web",), stories.three_lost_two_back, 0.0),
    Mutant("_asleep", ("quick",), stories.control_plane_asleep, _nothing),
    Mutant("_guard_objection", ("wiki", "shared"), lambda life: stories.power_cut_at("node-b", life), _nothing),
    Mutant("began", ("quick",), stories.behind, lambda record, _: (record.drift.outage.since, "")),
    Mutant("late", ("web",), stories.no_place, lambda judgement, *_: judgement),
    Mutant("_forced_at", ("db",), stories.another_manager, lambda _, policy, free_at: free_at + policy.detach_window),
    Mutant("_still_lost", ("quick",), stories.back_in_between, _nothing),
    Mutant("_force_delete", ("web",), stories.power_cut, _without_uid),
)
_FENCES = (
    Mutant("counts", ("web",), stories.hears_a_step_of_the_clock, _always),
    Mutant("refused", ("stay", "scratch"), stories.never_to_be_moved, _no_word, _REDFISH),
    Mutant("_earliest", ("web",), stories.kubelet_dead, lambda *_: 0.0, _REDFISH),
    Mutant("with_cluster", ("web",), stories.the_third, lambda seen, *_: seen, _REDFISH),
    Mutant("believed", ("web", "quick"), stories.lied_twice, _says_so, _REDFISH),
)
_EARLY = (
    Mutant("unnoticed", ("web",), stories.never_noticed, _nothing, _EVENT, guard="_still_lost", seed=_SUSPECTS),
    Mutant("suspected", ("web",), stories.proof_ends_unnoticed, _unproven_as_lost, _REDFISH, seed=_SUSPECTS),
    Mutant("_NEEDED", ("web",), stories.one_witness, 1, _REDFISH, seed=_WITNESSES),
    Mutant("_NEEDED", ("web",), stories.one_witness_lies, 1, _REDFISH, seed=_WITNESSES),
)
MUTANTS = (*_HELD, *_OTHERS, *_FENCES, *_EARLY)
EVERY_DAY = ("window", "silent", "storage", "refused")
