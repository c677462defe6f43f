"""Has nobody heard a lost node for so long that it may be fenced before VMDRIFT_FENCE_AFTER? Pure.

Only by watchers on at least two nodes that are Ready. Any answer of it, to anybody, is life.
"""

from collections.abc import Iterable
from typing import NamedTuple

from reactor import timing
from reactor.model.identity import NodeRef
from reactor.model.node import NodeView
from reactor.model.witness import WitnessReport

_NEEDED = 2  # nodes: a single one may have lost its way to the others


class Heard(NamedTuple):
    """`silent`: nobody hears it who should; the sentence is for people."""

    silent: bool
    sentence: str


def heard(reports: Iterable[WitnessReport], lost: NodeRef, nodes: Iterable[NodeView], now: float) -> Heard:
    """`reports` are about the lost node; `now`: seconds since the epoch, by the clock that all processes share."""
    fresh = [report for report in reports if 0.0 <= now - report.at <= timing.WITNESS_FRESH]
    alive = sorted(report.witness for report in fresh if report.answered)
    if alive:
        return Heard(False, f"Node {lost.name} answers {', '.join(alive)} over TCP, so it lives.")
    ready = {node.name for node in nodes if node.ready == "True" and node.name != lost.name}
    silent = sorted({report.witness for report in fresh if report.counts_as_silence} & ready)
    if len(silent) < _NEEDED:
        found = ", ".join(silent) or "none"
        return Heard(
            False,
            f"Watchers on {_NEEDED} Ready nodes must find node {lost.name} silent on ports that answered before, "
            f"while other nodes answer; now: {found}.",
        )
    return Heard(True, f"{' and '.join(silent)} reach other nodes, and {lost.name} on no port that answered before.")
