"""How many nodes were fenced by us lately, and may another one be? Pure.

The cap (VMDRIFT_MAX_UNREACHABLE) says how many may be lost at once, with those that we fenced; the rate how many may be
fenced in a while, so that nodes which are repaired or replaced one by one do not hide a cascade.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf, isfinite

from reactor.model.drift import Policy
from reactor.model.fence_requests import FenceRequest
from reactor.model.fencing import Fencing, some
from reactor.model.times import clock_time


def too_soon(done: Iterable[FenceRequest], file: Fencing, policy: Policy, now: float) -> str:
    """Why no other node is fenced now, "" if one may be. A boot that is counted already may be asked for again."""
    recent = sorted((request for request in done if _is_recent(request, policy, now)), key=lambda request: request.at)
    if _is_counted(recent, file) or len(recent) < policy.max_fences:
        return ""
    names = some([request.node for request in recent])
    last = recent[-policy.max_fences].at + policy.fence_period
    end = f" Not before {clock_time(last)}." if isfinite(last) else ""
    return f"{len(recent)} nodes were fenced within {policy.fence_period:g} s ({names}), as many as may be.{end}"


def counted(done: Mapping[str, FenceRequest], file: Fencing, policy: Policy, now: float) -> dict[str, str | None]:
    """What is to be written so that this fence counts, and those that count no more are gone; {} if it does already."""
    if _is_counted(done.values(), file):
        return {}
    request = FenceRequest(file.node.name, file.boot, now)
    expired = {key: None for key, old in done.items() if not _is_recent(old, policy, now)}
    return {**expired, request.key: request.as_text()}


def dated_back(done: Mapping[str, FenceRequest], now: float) -> dict[str, str | None]:
    """Those in the future, which a clock wrote that was set back since, as of now: else they count for too long."""
    future = {key: request for key, request in done.items() if now < request.at < inf}
    return {key: replace(request, at=now).as_text() for key, request in future.items()}


def _is_recent(request: FenceRequest, policy: Policy, now: float) -> bool:
    return request.at > now - policy.fence_period


def _is_counted(done: Iterable[FenceRequest], file: Fencing) -> bool:
    return (file.node.name, file.boot) in {(request.node, request.boot) for request in done}


def ours(files: Mapping[str, Fencing]) -> frozenset[str]:
    """The nodes that we fenced, or began to: they count against the cap, though they may be proven dead."""
    return frozenset(name for name, file in files.items() if file.attempts or file.releases)
