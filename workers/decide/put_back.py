"""Could the scheduler put a VM back onto a dead node that it takes for alive? Only taints prevent that. Pure."""

from workers.decide.case import Case
from workers.decide.decision import Judgement
from workers.decide.node import looks_ready
from workers.decide.placement import repelling
from workers.decide.placement.candidates import placement_needs


def put_back(case: Case) -> Judgement | None:
    """What speaks against a release now, None where nothing does."""
    node = case.seen.node
    if node is None or not looks_ready(node):
        return None
    if repelling(placement_needs(case.seen, case.record).spec, node):
        return None
    why = "this VM tolerates its taints" if node.taints else "it has no taint"
    sentence = f"Node {node.name} still looks Ready, and {why}: the scheduler could put the VM back there."
    return Judgement("could-be-put-back", f"{sentence} It is released once that cannot happen.")
