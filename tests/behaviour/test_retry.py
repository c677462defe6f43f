"""What a person asks of a drift is not lost, whatever looks at it at that moment."""

from contextlib import suppress

from reactor.adapters.cloudevents import encode
from reactor.adapters.kubernetes.cluster import served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.interventions import Interventions, Person
from reactor.model.errors import StoreError
from reactor.model.intervention import CONFIG_MAP
from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.scene import Scene, Vm
from tests.support.auditor import WORKERS
from tests.support.virtual import Play
from workers.intake.events import take_post

LOST, WEB = "node-a", "default/web"


def _lost() -> Play:
    play = Play.of(Scene((LOST, "node-b", "node-c"), (Vm("web", node=LOST),)))
    play.world.hypervisor.power_cut(LOST)
    assert play.until("web", ("waiting", "unreachable-window"))
    return play


def _person(play: Play, name: str = "ann", channel: str = "page") -> Interventions:
    cluster, reactor = ApiCluster(play.world.api, name), play.reactor
    wishes = InterventionsConfigMap(cluster, "vm-drift", served_clock(cluster))
    return Interventions(Person(name, channel), wishes, lambda: reactor.store, lambda: reactor.inbox)


def _taken(play: Play, receipt_id: str) -> None:
    """Intake looks at it, right now."""
    inbox = play.reactor.inbox
    (event,) = [receipt.hint for receipt in inbox.unsettled(play.world.now) if receipt.id == receipt_id]
    take_post({receipt_id: encode(event)}, inbox, play.reactor.intake)


def test_a_retry_takes_up_what_was_cancelled_in_the_name_of_who_asked() -> None:
    play = _lost()
    _person(play).cancel(WEB, "a new one is there")
    assert play.until("web", ("cancelled", "cancelled-by-hand"), limit=100)
    _taken(play, _person(play, "bob@laptop", "cli").retry(WEB).receipt)
    assert play.record("web").sentence.startswith("Retried by bob@laptop, after cancelled: ")
    assert play.until_ended()
    assert play.story("web")[0] == "completed"
    logged = play.reactor.store.deeds.of([play.outages()[0].id]).values()
    done = [(deed.what, deed.target, deed.by, deed.channel) for deeds in logged for deed in deeds]
    assert done == [
        ("cancel", "vm/default/web", "ann", "page"),
        ("retry", "vm/default/web", "bob@laptop", "cli"),
    ]


def test_a_retry_that_comes_while_a_pass_is_about_to_cancel_is_not_lost() -> None:
    play = _lost()
    person = _person(play)
    person.cancel(WEB, "a new one is there")
    reads = 0

    def meanwhile(request: Request) -> None:
        """The pass has read the cancel, and read it once more because it meets this drift; it has recorded nothing."""
        nonlocal reads
        reads += (request.user, request.verb, request.name) == (WORKERS, "get", CONFIG_MAP)
        if reads == 2:
            reads += 1
            with suppress(StoreError):  # then its job comes again
                _taken(play, person.retry(WEB).receipt)

    play.world.api.late_faults.append(meanwhile)
    assert play.until_ended()
    assert play.news("web") == ["scheduled", "cancelled", "released", "detached", "completed"]


def test_a_cancel_is_looked_at_at_once_while_the_vm_starts_elsewhere() -> None:
    play = _lost()

    def starts() -> bool:
        vmi = play.world.store.find("virtualmachineinstances", "web", "default") or {}
        return vmi.get("status", {}).get("nodeName") not in {None, LOST} and not play.record("web").ended

    assert play.world.run(starts, 1000)
    _person(play).cancel(WEB, "a new one is there")
    (asked,) = play.reactor.inbox.unsettled(play.world.now)
    _taken(play, asked.id)
    answer = play.reactor.inbox.receipt(asked.id)
    assert answer is not None
    assert answer.result is not None
    assert (answer.result.outcome, answer.result.drifts) == ("taken", (play.record("web").drift.id,))
