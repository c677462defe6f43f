"""`vmdrift rehearse`: an outage of this cluster, or of a dump, played to its end by the product's own code.

The cluster is only read. It is loaded into the simulated one, in virtual time: its nodes lose their power, and watcher,
intake, drifts and fencing act there with the settings of this installation.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from pathlib import Path

import structlog

from reactor.model.drift import Policy
from reactor.model.errors import BadInput
from rehearsal.course import Course, Part
from vmdrift import output
from vmdrift.command import complain, say
from vmdrift.rehearse import junit as junit_xml
from vmdrift.rehearse import page
from vmdrift.rehearse.fates import Rehearsal
from vmdrift.rehearse.play import Nodes, Stage, play_all
from vmdrift.rehearse.report import VERSION, as_object, exit_code, show
from vmdrift.rehearse.sets import Asked
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.installed import JudgedBy
from vmdrift.snapshot.source import run_on_snapshot
from vmdrift.terminal import Terminal, progress

_READS_POWER = frozenset({"redfish", "fence-agent", "metal3"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """How it is played and told. `proof`: "none" for no provider, "now" or "silent" for BMCs, else as configured.

    `seconds`: for how long at most another loss is begun; `html`, `junit`: files to write, "" for none.
    """

    course: Course = field(default_factory=Course)
    proof: str = ""
    seconds: float = inf
    html: str = ""
    junit: str = ""

    def policy(self, configured: Policy) -> Policy:
        """BMCs stand for whatever reads power: the simulated machines have them, and no other switch."""
        others = tuple(name for name in configured.fencing if name == "event")
        reads = self.proof in {"now", "silent"} or not _READS_POWER.isdisjoint(configured.fencing)
        return replace(configured, fencing=() if self.proof == "none" else (("redfish",) if reads else ()) + others)

    def unplayed(self, configured: Policy) -> tuple[str, ...]:
        """The providers of the installation that nobody plays here."""
        known = _READS_POWER | {"event"}
        return () if self.proof == "none" else tuple(name for name in configured.fencing if name not in known)


def rehearse(  # noqa: PLR0913 - each option by its name
    nodes: Nodes,
    zone: str,
    *,
    each: bool,
    pairs: bool,
    lasts: float,
    proof: tuple[str, float],
    back_after: float,
    lose_redis: bool,
    lose_worker: bool,
    lose_own_node: bool,
    html: str,
    junit: str,
    as_json: bool,
    dump: str,
) -> int:
    """Print it; returns the exit code. See the options of `vmdrift.cli.before`; times in seconds."""
    lost = {Part.REDIS: lose_redis, Part.WORKER: lose_worker, Part.OWN_NODE: lose_own_node}
    course = Course(proof[1], back_after, frozenset(part for part, yes in lost.items() if yes))
    wanted = Wanted(course, proof[0], lasts if pairs else inf, html, junit)
    return _rehearse(Asked(nodes, zone, each=each, pairs=pairs), wanted, as_json=as_json, dump=dump)


def _rehearse(asked: Asked, wanted: Wanted, *, as_json: bool, dump: str) -> int:
    def report(snapshot: ClusterSnapshot, judged: JudgedBy) -> int:
        for path in filter(None, (wanted.html, wanted.junit)):
            _begin(path)
        policy = wanted.policy(judged.policy)
        sets = asked.sets(snapshot, policy)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # of what is played
        played = _played(Stage.of(snapshot, policy, wanted.course), sets, wanted.seconds)
        if wanted.junit:
            junit_xml.write(wanted.junit, played)
        if wanted.html:
            page.write(wanted.html, snapshot, policy, judged.sentence, played)
        _tell(played, sets, judged, wanted.unplayed(judged.policy), as_json=as_json)
        return exit_code(played)

    return run_on_snapshot("rehearse", dump, report)


def _begin(path: str) -> None:
    """Before minutes of playing: can it be written? Raises BadInput."""
    try:
        Path(path).touch()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def _played(stage: Stage, sets: Sequence[Nodes], limit: float) -> list[Rehearsal]:
    with progress("Playing", len(sets)) as step:
        return play_all(stage, sets, step, time.monotonic() + limit)


def _tell(
    played: Sequence[Rehearsal], sets: Sequence[Nodes], judged: JudgedBy, providers: Sequence[str], *, as_json: bool
) -> None:
    left = len(sets) - len(played)
    if as_json:
        settings = {"settings_from": judged.as_object(), "settings": asdict(judged.policy)}
        rehearsals = [as_object(one) for one in played]
        output.show(
            {"version": VERSION, "rehearsals": rehearsals, "not_begun": left, "not_played": providers, **settings}
        )
        return
    say(judged.sentence)
    if providers:
        say(f"Not played: {', '.join(providers)} of VMDRIFT_FENCING; with it VMs may run again sooner.")
    show(Terminal(), played)
    if left:
        complain(f"vmdrift rehearse: {left} of {len(sets)} losses were not begun within the time of --for.")
