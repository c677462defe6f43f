"""Who may prove a node dead: those of VMDRIFT_FENCING, of which the node's annotation may name fewer. Pure.

A kubelet may annotate its own Node. So the annotation adds no provider, changes no order, takes no
confirmation by a person or a system away (`event`), and says `none` only where the administrator permits it. What
cannot be used is reported; what can be of the same annotation counts, and where nothing can, the setting does.
"""

from reactor.model.confirmation_source import EVENT
from reactor.model.drift import Policy
from reactor.model.fencing import some
from reactor.model.node import FENCING_ANNOTATION, NodeView

_NONE = ("none",)


def providers(node: NodeView, policy: Policy) -> tuple[str, ...]:
    """In the order in which they are tried."""
    named = _named(node)
    opted_out = named == _NONE and policy.nodes_may_opt_out
    usable = {name for name in policy.fencing if name in named}
    if not (usable or opted_out):
        return policy.fencing
    return tuple(name for name in policy.fencing if name in usable or name == EVENT)


def unusable(node: NodeView, policy: Policy) -> tuple[str, str]:
    """What of the node's annotation does not count, and what to do about it; "" and "" if all of it does."""
    named, annotation = _named(node), f"Annotation {FENCING_ANNOTATION} on node {node.name}"
    unknown = [name[:40] for name in named if name not in policy.fencing]
    if not unknown or (named == _NONE and policy.nodes_may_opt_out):
        return "", ""
    if named == _NONE:
        sentence = f"{annotation} says none, which does not count: VMDRIFT_NODES_MAY_OPT_OUT is false."
        return sentence, "If it is meant, set VMDRIFT_NODES_MAY_OPT_OUT=true; else remove it."
    sentence = f"{annotation} names {some(unknown)}, which does not count: VMDRIFT_FENCING names no such provider."
    return sentence, "Correct or remove it, or add to the setting what it lacks."


def _named(node: NodeView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for part in node.fencing.split(",") if (word := part.strip())))
