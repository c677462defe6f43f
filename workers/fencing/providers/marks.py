"""Whose is an object that was made for a fence? By the annotations that it was made with."""

from reactor.model.fencing import BOOT_ANNOTATION, NODE_ANNOTATION, OUTAGE_ANNOTATION, Target
from reactor.model.objects import JsonObject


def marked(obj: JsonObject, target: Target) -> bool:
    """Did we make it for this very boot of this very node? Another outage of the same boot is all the same."""
    said = obj["metadata"].get("annotations") or {}
    incarnation = str(said.get(OUTAGE_ANNOTATION, "")).rpartition("_")[0]
    known = (said.get(NODE_ANNOTATION), incarnation, said.get(BOOT_ANNOTATION))
    return known == (target.node.name, target.node.uid, target.boot)
