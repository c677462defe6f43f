"""How many nodes were fenced by us lately, and may another one be? Pure.

The cap (VMDRIFT_MAX_UNREACHABLE) says how many may be lost at once, with those that we fenced; the rate how many may be
fenced in a while, so that nodes which are repaired or replaced one by one do not hide a cascade.
"""

from collections.abc import Iterable, Mapping
from math import isfinite

from reactor.model.drift import Policy
from reactor.model.fence_requests import FenceRequest
from reactor.model.fencing import Fencing, some
from reactor.model.times import clock_time


def too_soon(done: Iterable[FenceRequest], file: Fencing, policy: Policy, now: float) -> str:
    """Why no other node is fenced now, "" if one may be. A boot that is counted already may be asked for again."""
    recent = sorted((one for one in done if _counts(one, policy, now)), key=lambda one: one.at)
    if _known(recent, file) or len(recent) < policy.max_fences:
        return ""
    names = some([one.node for one in recent])
    last = recent[-policy.max_fences].at + policy.fence_period
    end = f" Not before {clock_time(last)}." if isfinite(last) else ""
    return f"{len(recent)} nodes were fenced within {policy.fence_period:g} s ({names}), as many as may be.{end}"


def counted(done: Mapping[str, FenceRequest], file: Fencing, policy: Policy, now: float) -> dict[str, str | None]:
    """What is to be written so that this fence counts, and those that count no more are gone; {} if it does already."""
    if _known(done.values(), file):
        return {}
    one = FenceRequest(file.node.name, file.boot, now)
    over = {key: None for key, old in done.items() if not _counts(old, policy, now)}
    return {**over, one.key: one.as_text()}


def _counts(one: FenceRequest, policy: Policy, now: float) -> bool:
    return one.at > now - policy.fence_period


def _known(done: Iterable[FenceRequest], file: Fencing) -> bool:
    return (file.node.name, file.boot) in {(one.node, one.boot) for one in done}


def ours(files: Mapping[str, Fencing]) -> frozenset[str]:
    """The nodes that we fenced, or began to: they count against the cap, though they may be proven dead."""
    return frozenset(name for name, file in files.items() if file.attempts or file.releases)
