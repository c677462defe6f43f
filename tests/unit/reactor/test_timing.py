"""Which time must be shorter than which, and why."""

import yaml

from reactor import timing as t
from reactor.settings import Settings
from tests.support.places import K8S
from workers.fencing.together import _LATEST


def test_no_call_is_so_long_that_a_living_worker_seems_dead() -> None:
    calls = (t.API_TIMEOUT_MOST, t.SINK_CONNECT + t.SINK_READ, t.BMC_CALL)
    assert max(calls) < t.WORKER_SILENT
    assert t.API_TIMEOUT <= t.API_TIMEOUT_MOST
    assert t.BMC_CONNECT < t.BMC_CALL
    assert t.VETO < t.BMC_CALL <= t.PROVIDER_ANSWERS


def test_an_agent_answers_before_its_answer_is_too_old_and_an_order_ends_before_another_provider_is_asked() -> None:
    assert t.PROVIDER_ANSWERS < t.AGENT_STATUS < _LATEST
    assert Settings().fence_deadline > t.AGENT_STATUS + t.AGENT_OFF
    assert t.PLUG_SEEN > 24 * 3600  # drills may fail for a day


def test_a_hung_redis_is_shown_to_hang_within_two_seconds() -> None:
    assert 2 * t.REDIS_SHOWN < t.SHOWN_WITHIN


def test_a_worker_beats_often_enough() -> None:
    assert 2 * t.BEAT_EVERY < t.WORKER_SILENT
    assert t.WORKER_SILENT < t.JOB_ORPHANED


def test_a_pass_does_not_lose_its_lock_during_one_call() -> None:
    assert t.VM_LOCK_RENEWED_EVERY + t.API_TIMEOUT_MOST < t.VM_LOCK
    assert 2 * t.BMC_CALL + t.API_TIMEOUT_MOST < t.FENCING_LOCK


def test_a_job_is_taken_over_before_its_lock_would_hold_it_up_for_long() -> None:
    assert t.WORKER_SILENT < t.VM_LOCK < 2 * t.WORKER_SILENT


def test_whoever_is_asked_to_stop_has_stopped_before_it_is_killed() -> None:
    assert t.JOB_STOPS_WITHIN + t.API_TIMEOUT_MOST < t.RUN_KILLS_AFTER
    assert t.REQUESTS_END_WITHIN < t.RECEIVER_KILLED_AFTER < t.RUN_KILLS_AFTER < t.KUBERNETES_KILLS_AFTER
    (pod,) = yaml.safe_load_all((K8S / "base" / "every-role.yaml").read_text())
    assert pod["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == t.KUBERNETES_KILLS_AFTER


def test_what_a_witness_heard_counts_until_it_asks_again_and_not_for_long_after() -> None:
    assert t.WITNESS_WAITS < t.WITNESS_EVERY
    assert 3 * t.WITNESS_EVERY < t.WITNESS_FRESH < t.WITNESS_KEPT


def test_a_clock_is_looked_at_more_often_than_a_step_could_hide() -> None:
    assert 2 * t.LOOK_EVERY < t.CLOCK_UNWATCHED


def test_between_two_summaries_the_one_before_is_young_enough() -> None:
    assert 2 * t.SUMMARY_EVERY < t.SUMMARY_FRESH < t.SUMMARY_KEPT


def test_no_living_node_is_silent_for_as_long_as_it_takes_to_be_fenced() -> None:
    assert t.HEARTBEAT_LONGEST + t.CLOCK_OFF < t.SILENCE_LEAST <= Settings().fence_after


def test_what_is_watched_counts_only_while_somebody_says_so_often() -> None:
    assert 2 * t.COVERED_EVERY < t.WAKER_LOCK < t.COVERED
    assert t.COVERED < t.WATCH_SILENT
