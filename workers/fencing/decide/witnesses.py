"""Has nobody heard a suspected node for so long that it may be fenced before VMDRIFT_FENCE_AFTER? Pure.

Only by watchers on at least two nodes that are Ready. Any answer of it, to anybody, is life.
"""

from collections.abc import Iterable

from reactor import timing
from reactor.model.identity import NodeRef
from reactor.model.node import NodeView
from reactor.model.witness import WitnessReport
from workers.decide.decision import Judgement, Passed, Verdict

_NEEDED = 2  # nodes: a single one may have lost its way to the others


def unheard(reports: Iterable[WitnessReport], suspect: NodeRef, nodes: Iterable[NodeView], now: float) -> Verdict:
    """`reports` are about the suspect; `now`: seconds since the epoch, by the clock that all processes share."""
    fresh = [report for report in reports if 0.0 <= now - report.at <= timing.WITNESS_FRESH]
    alive = sorted(report.witness for report in fresh if report.answered)
    if alive:
        return Judgement("witness-heard-it", f"Node {suspect.name} answers {', '.join(alive)} over TCP, so it lives.")
    ready = {node.name for node in nodes if node.ready == "True" and node.name != suspect.name}
    silent = sorted({report.witness for report in fresh if report.counts_as_silence} & ready)
    if len(silent) < _NEEDED:
        found = ", ".join(silent) or "none"
        return Judgement(
            "too-few-witnesses",
            f"Watchers on {_NEEDED} Ready nodes must find node {suspect.name} silent on ports that answered before, "
            f"while other nodes answer; now: {found}.",
        )
    return Passed(f"{' and '.join(silent)} reach other nodes, and node {suspect.name} on no port that answered before.")
