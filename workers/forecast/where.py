"""Where a VM that will move can run, in a sentence. Pure."""

from itertools import islice

from reactor.model.drift import Record
from workers.decide.observation import Observation
from workers.decide.placement import targets, with_doubts
from workers.decide.placement.candidates import candidate_nodes, placement_needs

_NAMED, _COUNTED = 3, 20


def where(observation: Observation, record: Record) -> str:
    """How many nodes can take it now, free room aside; "" where that is one, or depends on what is not checked."""
    among = candidate_nodes(observation, record)
    needs, conditions = with_doubts(placement_needs(observation, record), observation.volumes, among)
    names = [node.name for node in islice(targets(needs, observation.volumes, among), _COUNTED + 1)]
    if conditions or len(names) < 2:  # noqa: PLR2004 - a choice
        return ""
    number = f"more than {_COUNTED}" if len(names) > _COUNTED else str(len(names))
    others = ", ..." if len(names) > _NAMED else ""
    return f"It can run on any of {number} nodes: {', '.join(names[:_NAMED])}{others}."
