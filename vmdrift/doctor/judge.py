"""Facts to findings, in the order in which things depend on one another. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from difflib import get_close_matches

from reactor.adapters.redis.clock_offsets import off, offset_sentence
from reactor.settings import GONE, Settings, env_names
from vmdrift.doctor.cluster import cluster_findings
from vmdrift.doctor.drills import deletion_findings, drill_findings
from vmdrift.doctor.facts import ClusterFacts, Configured, Facts, RedisFacts, Skew, Unreadable
from vmdrift.doctor.finding import Finding, Status, failed, ok, unknown, warning
from vmdrift.doctor.redis import redis_findings

# Seconds that two clocks may differ. Windows are minutes; due times and heartbeats are seconds.
NOTICED, TOO_MUCH = 2.0, 10.0
_NOISE = 0.5  # seconds
_HERE = Skew(0.0, 0.0)
_NO_CLOCK = Unreadable("neither Redis nor the API server reported its time")
_NTP = "Synchronize all machines' clocks with NTP (chronyc tracking; timedatectl)."
_NAMES = sorted(name for row in fields(Settings) for name in env_names(row))


def judge(facts: Facts) -> list[Finding]:
    """All findings."""
    return [
        *_settings(facts.configured),
        *redis_findings(facts.redis, facts.configured.settings),
        *cluster_findings(facts.cluster, facts.configured.settings, facts.roles),
        *_clocks(facts),
        *_off(facts.redis),
        *drill_findings(facts.drills, facts.configured.settings),
        *deletion_findings(facts.deletions),
    ]


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something is wrong, else 2 when something could not be checked, else 0."""
    statuses = {finding.status for finding in findings}
    if Status.FAILED in statuses:
        return 1
    return 2 if Status.UNKNOWN in statuses else 0


def _settings(configured: Configured) -> Iterator[Finding]:
    for sentence in (configured.wrong or {}).values():
        yield failed("settings", f"{sentence}.", "See docs/settings.md for valid values.")
    for name in configured.strange:
        yield warning("settings", f"{name} is not a setting; nothing reads it.", _suggestion(name))
    if not configured.wrong:
        text = f"Set: {', '.join(configured.given)}." if configured.given else "All are at their defaults."
        yield ok("settings", text)
    settings = configured.settings
    if settings.policy == "observe":
        yield warning("policy", "It only observes: VMDRIFT_POLICY=observe.", "Set VMDRIFT_POLICY=auto to let it act.")
    if settings.policy == "never":
        yield warning("policy", "Every VM is refused: VMDRIFT_POLICY=never.", "Set auto or observe.")
    if settings.insecure_no_auth:
        fix = "Unset VMDRIFT_INSECURE_NO_AUTH, and list the senders in VMDRIFT_TOKENS_FILE."
        yield warning("senders", "Anybody who can reach VMDRIFT_LISTEN may post events.", fix)


def _suggestion(name: str) -> str:
    """Compared without the prefix, which all have."""
    if name in GONE:
        return f"{GONE[name][0].upper()}{GONE[name][1:]}"
    names = {setting.removeprefix("VMDRIFT_"): setting for setting in _NAMES}
    close = get_close_matches(name.removeprefix("VMDRIFT_"), names, n=1)
    return f"Did you mean {names[close[0]]}?" if close else "See docs/settings.md for all settings."


def _clocks(facts: Facts) -> Iterator[Finding]:
    skews: dict[str, Skew] = {}
    if isinstance(facts.redis, RedisFacts) and isinstance(facts.redis.skew, Skew):
        skews["Redis"] = facts.redis.skew
    if isinstance(facts.cluster, ClusterFacts) and isinstance(facts.cluster.skew, Skew):
        skews["the API server"] = facts.cluster.skew
    if isinstance(facts.cluster, ClusterFacts) and isinstance(facts.cluster.manager, Skew):
        skews["the controller manager"] = facts.cluster.manager
    if not skews:
        yield unknown("clocks", _NO_CLOCK, "Fix what is reported above.")
        return
    text = "; ".join(f"{name} {_ahead(skew)}" for name, skew in skews.items())
    sentence = f"Compared with this machine: {text}."
    # This machine stands for those on which the workers run, so each pair counts.
    apart = max(_apart(one, other) for one in (_HERE, *skews.values()) for other in (_HERE, *skews.values()))
    if apart > TOO_MUCH:
        yield failed("clocks", sentence, _NTP)
    elif apart > NOTICED:
        yield warning("clocks", sentence, _NTP)
    else:
        yield ok("clocks", sentence)


def _off(facts: RedisFacts | Unreadable) -> Iterator[Finding]:
    """Of the processes, as they report it themselves."""
    if isinstance(facts, Unreadable) or isinstance(facts.clocks, Unreadable):
        return
    for name, ahead in off(facts.clocks).items():
        yield failed("clocks", offset_sentence(name, ahead), _NTP, name)


def _apart(one: Skew, other: Skew) -> float:
    """At least so many seconds."""
    return abs(one.ahead - other.ahead) - one.within - other.within


def _ahead(skew: Skew) -> str:
    if abs(skew.ahead) <= max(skew.within, _NOISE):
        return "shows the same time"
    return f"is {abs(skew.ahead):.1f} s {'ahead' if skew.ahead > 0 else 'behind'}"
