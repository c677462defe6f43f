"""Is an object that was made for a fence ours? By the annotations that it was made with."""

from reactor.model.fencing import BOOT_ANNOTATION, NODE_ANNOTATION, OUTAGE_ANNOTATION, Target
from reactor.model.objects import JsonObject


def marked(obj: JsonObject, target: Target) -> bool:
    """Did we make it for this very boot of this very node? Another outage of the same boot counts, too."""
    annotations = obj["metadata"].get("annotations") or {}
    incarnation = str(annotations.get(OUTAGE_ANNOTATION, "")).rpartition("_")[0]
    marks = (annotations.get(NODE_ANNOTATION), incarnation, annotations.get(BOOT_ANNOTATION))
    return marks == (target.node.name, target.node.uid, target.boot)
