"""What a VM moves on condition of: nobody can know it before, so it is named with the answer."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from reactor.model.objects import text
from vmdrift.plan.prediction import Prediction
from vmdrift.plan.what_if import IfLost
from workers.decide.observation import Volume

_LONGHORN = "driver.longhorn.io"


def shared(found: Sequence[Prediction]) -> list[Prediction]:
    """The same, each with whom it shares claims, of those that would move together."""
    holders: dict[tuple[str, str], list[Prediction]] = defaultdict(list)
    for fate in found:
        for claim in {volume.claim for volume in fate.volumes if volume.claim and fate.moves and not volume.left}:
            holders[fate.vm.namespace, claim].append(fate)
    return [replace(fate, ifs=(*fate.ifs, *_beside(fate, holders))) for fate in found]


def _beside(fate: Prediction, holders: dict[tuple[str, str], list[Prediction]]) -> Iterator[str]:
    for volume in fate.volumes:
        others = [other for other in holders[fate.vm.namespace, volume.claim] if other.vm != fate.vm]
        if others and fate.moves and volume.exclusive:
            names = " and ".join(str(other.vm) for other in others)
            yield f"{names}, which shares claim {volume.claim}, comes up on the same node, or later"


def single_copies(volumes: Sequence[Volume], lost: IfLost) -> tuple[str, ...]:
    """Longhorn keeps as many replicas as its own object says by now: the PersistentVolume says only how it began."""
    found = (volume for volume in volumes if volume.driver == _LONGHORN)
    return tuple(
        f"Longhorn has a replica of {volume.pv} on another node: it was made with one"
        for volume in found
        if text(lost.find("persistentvolumes", volume.pv), "spec", "csi", "volumeAttributes", "numberOfReplicas") == "1"
    )
