"""Conditions on which a VM moves: nobody can know them before, so they are named with the answer."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from reactor.model.objects import text
from vmdrift.plan.prediction import Prediction
from vmdrift.plan.what_if import IfLost
from workers.decide.observation import Volume

_LONGHORN = "driver.longhorn.io"


def shared(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The same, each with the VMs that would move with it and share its claims."""
    holders: dict[tuple[str, str], list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        for claim in {
            volume.claim for volume in prediction.volumes if volume.claim and prediction.moves and not volume.left
        }:
            holders[prediction.vm.namespace, claim].append(prediction)
    return [replace(prediction, ifs=(*prediction.ifs, *_sharing(prediction, holders))) for prediction in predictions]


def _sharing(prediction: Prediction, holders: dict[tuple[str, str], list[Prediction]]) -> Iterator[str]:
    for volume in prediction.volumes:
        others = [other for other in holders[prediction.vm.namespace, volume.claim] if other.vm != prediction.vm]
        if others and prediction.moves and volume.exclusive:
            names = " and ".join(str(other.vm) for other in others)
            yield f"{names}, which shares claim {volume.claim}, comes up on the same node, or later"


def single_copies(volumes: Sequence[Volume], lost: IfLost) -> tuple[str, ...]:
    """Longhorn keeps as many replicas as its own object says by now: the PersistentVolume has only the first number."""
    longhorn = (volume for volume in volumes if volume.driver == _LONGHORN)
    return tuple(
        f"Longhorn has a replica of {volume.pv} on another node: it was made with one"
        for volume in longhorn
        if text(lost.find("persistentvolumes", volume.pv), "spec", "csi", "volumeAttributes", "numberOfReplicas") == "1"
    )
