"""All providers are asked at once: who is waited for, and for how long, by a clock of the test's."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

import pytest

from reactor.model.confirmation_source import Source
from reactor.model.errors import StoreUnreachable
from reactor.model.fencing import Fencing, ProviderStatus, State, Target
from tests.unit.workers.fencing.views import BACK, FILE, NODE, OFF, ON, OUTAGE, PROVEN
from workers.fencing.decide.confirming import enough
from workers.fencing.together import Question, Together, one_by_one

_TARGET = Target(OUTAGE, "boot-1", lease="lease", heartbeat="beat")
_LATER = replace(_TARGET, lease="another")
_NEVER = 1e9


class _Round:
    """Providers that answer at their moments; time passes only while they are waited for."""

    def __init__(self, **answers: tuple[float, ProviderStatus]) -> None:
        self.now, self.beats, self.asked, self._answers = 0.0, 0, list[str](), answers
        self._open: dict[str, Future[ProviderStatus]] = {}
        self.ask = Together(self._beat, lambda: self.now, self._wait, self._begin)

    def __call__(self, file: Fencing = FILE, target: Target = _TARGET, node: object = NODE) -> set[str]:
        """Who has answered; `now` is when nobody was waited for any longer."""
        questions: dict[str, Question] = {name: partial(self._said, name) for name in self._answers}
        return set(self.ask(questions, target, partial(enough, file, node)))  # type: ignore[arg-type]

    def until(self, now: float) -> None:
        self.now = now
        self._settle()

    def _said(self, name: str) -> ProviderStatus:
        return self._answers[name][1]

    def _beat(self) -> None:
        self.beats += 1

    def _begin(self, question: Question, called: str) -> Future[ProviderStatus]:
        name = called.split()[1]
        self.asked.append(name)
        self._open[name] = Future()
        self._settle()
        return self._open[name] if name in self._open else _done(question())

    def _wait(self, _: list[Future[ProviderStatus]], seconds: float) -> None:
        moments = [self._answers[name][0] for name in self._open]
        self.now = min([at for at in moments if self.now < at <= self.now + seconds], default=self.now + seconds)
        self._settle()

    def _settle(self) -> None:
        for name in [name for name in self._open if self._answers[name][0] <= self.now]:
            self._open.pop(name).set_result(self._said(name))


def _done(status: ProviderStatus) -> Future[ProviderStatus]:
    future: Future[ProviderStatus] = Future()
    future.set_result(status)
    return future


def test_a_bmc_that_hangs_does_not_hold_up_the_proof_of_another_for_more_than_a_second() -> None:
    ask = _Round(redfish=(_NEVER, ON), event=(0.25, OFF))
    assert (ask(), ask.now) == ({"event"}, 1.25)


@pytest.mark.parametrize(("at", "heard"), [(1.25, {"event", "redfish"}), (1.5, {"event"})])
def test_whoever_says_alive_within_that_second_is_heard(at: float, heard: set[str]) -> None:
    ask = _Round(event=(0.25, OFF), redfish=(at, ON))
    assert ask() == heard


def test_once_all_have_answered_nobody_waits() -> None:
    ask = _Round(event=(0.25, OFF), redfish=(0.5, OFF))
    assert (ask(), ask.now) == ({"event", "redfish"}, 0.5)


def test_without_a_proof_each_has_five_seconds_and_the_worker_beats_meanwhile() -> None:
    ask = _Round(event=(0.0, ON), redfish=(_NEVER, ON), remediation=(4.5, ON))
    assert (ask(), ask.now, ask.beats) == ({"event", "remediation"}, 5.0, 4)


@pytest.mark.parametrize("file", [replace(FILE, refuted=(Source("redfish"),)), replace(FILE, stale=("old",))])
def test_what_is_not_believed_cuts_nobody_short(file: Fencing) -> None:
    ask = _Round(redfish=(0.0, replace(OFF, evidence="old")), remediation=(3.0, OFF))
    assert ask(file) == {"redfish", "remediation"}


def test_under_a_proof_only_whoever_proved_it_is_waited_for() -> None:
    ask = _Round(event=(0.0, OFF), redfish=(2.0, OFF), remediation=(_NEVER, ON))
    assert (ask(PROVEN), ask.now) == ({"event", "redfish"}, 2.0)


def test_of_a_node_that_is_back_all_are_waited_for() -> None:
    ask = _Round(redfish=(0.0, OFF), remediation=(4.0, ON))
    assert ask(FILE, node=BACK) == {"redfish", "remediation"}


def test_one_that_still_hangs_is_not_asked_again_and_what_it_says_late_counts_while_the_question_is_the_same() -> None:
    ask = _Round(redfish=(12.0, OFF))
    assert [ask(), ask(), ask()] == [set(), set(), {"redfish"}]
    assert ask.asked == ["redfish"]


def test_what_one_says_late_is_no_answer_to_another_question() -> None:
    ask = _Round(redfish=(7.0, OFF))
    ask()
    assert ask(target=_LATER) == set()
    assert ask.asked == ["redfish"]
    ask.until(8.0)
    assert ask(target=_LATER) == {"redfish"}
    assert ask.asked == ["redfish", "redfish"]


def test_what_one_says_after_half_a_minute_is_too_old() -> None:
    ask = _Round(redfish=(20.0, OFF))
    ask()
    ask.until(31.0)
    assert ask() == {"redfish"}
    assert ask.asked == ["redfish", "redfish"]


def test_the_answers_are_in_the_order_of_the_questions_whoever_was_first() -> None:
    ask = _Round(event=(0.5, ON), redfish=(0.0, ON))
    answers = ask.ask({"event": lambda: ON, "redfish": lambda: ON}, _TARGET, lambda *_: None)
    assert list(answers) == ["event", "redfish"]


def _raises() -> ProviderStatus:
    raise StoreUnreachable("Redis is away.")


def test_what_is_not_a_providers_own_trouble_is_raised() -> None:
    with pytest.raises(StoreUnreachable):
        Together()({"redfish": _raises}, _TARGET, lambda *_: None)


def test_one_that_hangs_for_ever_costs_one_thread_however_often_its_node_is_looked_at() -> None:
    over, begun = threading.Event(), list[str]()

    def hang() -> ProviderStatus:
        begun.append(threading.current_thread().name)
        over.wait()
        return ON

    ask = Together(clock=iter(range(10_000)).__next__, wait=lambda *_: None)  # nobody is waited for
    try:
        for _ in range(3):
            assert ask({"redfish": hang}, _TARGET, lambda *_: None) == {}
        ours = [thread for thread in threading.enumerate() if thread.name == "asking redfish about node-a"]
        assert [thread.daemon for thread in ours] == [True]
    finally:
        over.set()


def test_one_by_one_all_of_them_answer() -> None:
    said: Mapping[str, ProviderStatus] = one_by_one({"a": lambda: ON, "b": lambda: OFF}, _TARGET, lambda *_: 0.0)
    assert [status.state for status in said.values()] == [State.ALIVE, State.FENCED]
