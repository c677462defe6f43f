"""`--wait` against the product's own workers: it ends when they have really looked, and not before."""

from dataclasses import dataclass

from reactor.interventions import Interventions
from rehearsal.twins.store import MemoryStore
from simulator.scene import Scene, Vm
from tests.behaviour.test_retry import _lost, _person
from tests.support.virtual import Play
from vmdrift.intervene.wait import Effect, Progress, Wait, checked, held, proven

LOST, WEB = "node-a", "default/web"


@dataclass
class Line:
    """As vmdrift.intervene.person.CommandLine, of a simulated installation."""

    interventions: Interventions
    store: MemoryStore

    @property
    def wiring(self) -> "Line":
        return self


def waits(play: Play, effect: Effect, seconds: float = 30.0) -> Wait:
    return Wait(effect, seconds, lambda: play.world.now, play.world.run_for)


def test_a_hold_within_the_window_is_seen_by_the_worker_within_seconds() -> None:
    play = _lost()
    line = Line(_person(play, "ann", "cli"), play.reactor.store)
    wait = waits(play, held(LOST))
    before = wait.before(line)  # type: ignore[arg-type]
    passes, began = play.record("web").passes, play.world.now
    line.interventions.hold(LOST, None, "firmware")
    progress = wait.after(line, before)  # type: ignore[arg-type]
    assert progress == Progress(True, "Checked since: 1 waiting for something else first.")
    assert play.record("web").passes > passes
    assert play.world.now - began < 20

    play.world.run_for(400)
    again = waits(play, held(LOST))
    assert again.after(line, again.before(line)) == Progress(True, "Checked since: 1 held.")  # type: ignore[arg-type]


def test_a_retry_is_waited_for_until_a_worker_has_judged_it_again() -> None:
    play = _lost()
    person = _person(play, "ann", "cli")
    person.cancel(WEB, "a new one is there")
    assert play.until("web", ("cancelled", "cancelled-by-hand"), limit=100)
    wait = waits(play, checked(WEB), seconds=90)
    line = Line(person, play.reactor.store)
    before = wait.before(line)  # type: ignore[arg-type]
    person.retry(WEB)
    progress = wait.after(line, before)  # type: ignore[arg-type]
    assert progress.done
    assert progress.sentence.startswith("Checked since: waiting, unreachable-window. ")


def test_without_workers_nothing_is_said_to_have_been_seen() -> None:
    play = _lost()
    line = Line(_person(play, "ann", "cli"), play.reactor.store)
    for worker in play.reactor.workers("drifts"):
        worker.kill(play.world.now, away=1000)
    wait = waits(play, held(LOST), seconds=10)
    progress = wait.after(line, wait.before(line))  # type: ignore[arg-type]
    assert progress == Progress(False, "Not within 10 s: default/web not checked again yet.")


def test_a_node_counts_as_off_once_the_fencing_role_has_judged_the_confirmation() -> None:
    from reactor.model.drift import Policy

    play = Play.of(Scene((LOST, "node-b", "node-c"), (Vm("web", node=LOST),)), Policy(fencing=("event",)))
    play.world.hypervisor.power_cut(LOST)
    assert play.until("web", ("waiting", "unreachable-window"))
    line = Line(_person(play), play.reactor.store)
    wait = waits(play, proven(LOST))
    assert not waits(play, proven(LOST), seconds=2).after(line, {}).done  # type: ignore[arg-type]
    play.confirm(LOST)
    assert wait.after(line, {}).done  # type: ignore[arg-type]
