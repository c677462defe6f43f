"""Where each VM of a lost node could go, and where there is room. Of VMs that ask for the same it is found out once.

An audit of a large cluster asks that ten thousand times, of a thousand nodes each.
"""

import orjson

from reactor.model.drift import Record
from reactor.model.objects import part
from vmdrift.plan.free_room import Amounts, FreeRoom
from vmdrift.plan.what_if import IfLost
from workers.decide import candidates
from workers.decide.observation import Observation
from workers.decide.placement import Candidates
from workers.decide.placement import targets as among
from workers.decide.placement.candidates import placement_needs
from workers.decide.placement.neighbours import looks_around
from workers.decide.placement.selectors import REQUIRED


def targets(observation: Observation, record: Record, lost: IfLost) -> tuple[str, ...]:
    """By name. `candidates` itself where other pods have a say, or the VM asks for what is not certain."""
    if observation.vm is None:
        return ()
    needs = placement_needs(observation, record)
    if needs.doubts or observation.neighbours or looks_around(needs):
        return tuple(node.name for node in candidates(observation, record))
    there, name, volumes = lost.there, lost.node.name, observation.volumes
    terms = part(needs.spec, "affinity", "nodeAffinity", REQUIRED)  # preferences differ, and keep nobody away
    admitted = [volume.admits for volume in volumes if not volume.left and volume.admits]
    asked = [{**needs.spec, "affinity": terms}, admitted]
    key = "targets", orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)

    def of_any() -> tuple[str, ...]:
        return tuple(node.name for node in among(needs, volumes, Candidates(there.nodes, "", ())))

    return there.once((*key, name), lambda: tuple(one for one in there.once(key, of_any) if one != name))


def with_room(found: tuple[str, ...], needs: Amounts, room: FreeRoom, lost: IfLost) -> tuple[str, ...]:
    """Those of these targets that have room for what it asks for."""
    key = "room", room, found, tuple(sorted(needs.items()))
    return lost.there.once(key, lambda: tuple(room.fitting(found, needs)))
