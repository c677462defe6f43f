"""Our taint and its annotation on a node: is it ours, of which effect, and was anything released under it? Pure."""

from reactor.model.fencing import BOOT_ANNOTATION, Fencing, ReleaseWay
from reactor.model.node import NodeView
from reactor.model.objects import from_json
from workers.fencing.decide.view import FenceView

NO_SCHEDULE = "NoSchedule"


def is_tainted(node: NodeView, file: Fencing) -> bool:
    """With our taint, for this boot? Where it does not say for which, it is any boot's."""
    try:
        marks = from_json(node.tainted)
    except ValueError:
        return bool(node.tainted)
    return isinstance(marks, dict) and marks.get(BOOT_ANNOTATION, file.boot) == file.boot


def is_marked(node: NodeView | None, file: Fencing) -> bool:
    """Does it bear our annotation of this boot? It stays where somebody else removes the taint alone."""
    return node is not None and bool(node.tainted) and is_tainted(node, file)


def evicts_nobody(node: NodeView, file: Fencing) -> bool:
    """Is what we set of the effect NoSchedule? Where the taint itself is gone, the file says so."""
    if effects := node.out_of_service_effects:
        return NO_SCHEDULE in effects
    return file.release is not None and file.release.way is not ReleaseWay.TAINT


def has_begun(view: FenceView, file: Fencing) -> bool:
    """Was anything released under the taint? What is not known counts as released."""
    if file.release is None or not file.release.pods:
        return True
    since, left = file.release.at, {pod.name for pod in view.pods}
    released = any(record.released_at is not None and record.released_at >= since for record in view.drifts)
    return released or not left.issuperset(file.release.pods)
