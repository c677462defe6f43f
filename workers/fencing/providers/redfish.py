"""The fencing provider `redfish`: a lost node's power is cut through its BMC, and its state read back.

There is no object in the cluster on which `target.marks` could stand: that we meant to, and what came of it, stands in
the ConfigMap alone, which whoever asks us writes before and after. A BMC knows no boots either: Off says that whatever
boot there was has ended, and an order hits the boot that runs when it arrives.
"""

from uuid import UUID

from reactor.adapters.redfish.bmc import Bmc, BmcReading
from reactor.model.errors import FenceError
from reactor.model.fencing import ProviderStatus, State, Target
from reactor.model.machine_uuid import same, ways

# They have power, so a boot may live or begin; PoweringOff is on its way already.
_POWERED = frozenset({"On", "PoweringOn", "Paused"})
_UNDER_WAY = frozenset({"Off", "PoweringOff"})
# On many machines: "not present" and "not set" (DMTF DSP0134, 7.2.1), and what AMI's boards bear that nobody set.
_NOBODYS = frozenset({UUID(int=0), UUID(int=2**128 - 1), UUID("03000200-0400-0500-0006-000700080009")})


class Redfish:
    """A Provider. Only what answers for the node's own machine is believed or switched off."""

    name = "redfish"

    def __init__(self, bmc: Bmc) -> None:
        self._bmc = bmc

    def fence(self, target: Target) -> None:
        """ForceOff, unless the machine is off or going off. FenceError where it is not known to be the right one.

        Asked for again while the machine is still on, it is sent again: nobody here remembers, and it changes nothing.
        """
        found = self._bmc.read(target.node.name)
        if wrong := _wrong(found, target):
            raise FenceError(f"{wrong} Nothing was sent to it.")
        if found.power in _POWERED:
            self._bmc.force_off(target.node.name, found.uuid)
        elif found.power not in _UNDER_WAY:
            raise FenceError(f"{_reads(found)}, which is not known here: nothing was sent to it.")

    def status(self, target: Target) -> ProviderStatus:
        """FENCED where it reads Off. ABSENT, so "it cannot tell", for all but On, Off and PoweringOff.

        PoweringOn and Paused may end either way, an unknown word may mean anything, and all of them may change: that
        is no failure, which would be final.
        """
        found = self._bmc.read(target.node.name)
        if wrong := _wrong(found, target):
            return ProviderStatus(State.FAILED, wrong, by=found.address)
        machine = f"for the machine of node {target.node.name} (UUID {found.uuid})"
        state, meaning = {
            "Off": (State.FENCED, f"{machine}: it is off"),
            "On": (State.ALIVE, f"{machine}: it is on"),
            "PoweringOff": (State.WORKING, f"{machine}: it is about to be off"),
        }.get(found.power, (State.ABSENT, f"{machine}, which proves neither that it is off nor that it is on"))
        return ProviderStatus(state, f"{_reads(found)} {meaning}.", by=found.address)

    def release(self, target: Target) -> ProviderStatus:
        """ABSENT always. Nothing is switched on again: who looks after the machine does that."""
        sentence = f"Nothing is left to take back: node {target.node.name} is not switched on again by us."
        return ProviderStatus(State.ABSENT, sentence)


def _reads(found: BmcReading) -> str:
    return f"Redfish of BMC {found.address} reads PowerState {found.power or '(none)'}"


def _wrong(found: BmcReading, target: Target) -> str:
    """Why this is not the node's machine; "" if it is. FenceError where that cannot be told."""
    node, bmc = target.node.name, f"Redfish of BMC {found.address}"
    wanted = found.expected or target.machine
    fix = f"name the machine's UUID in {node}.json in VMDRIFT_BMC_DIR, as uuid."
    if not wanted:
        raise FenceError(f"Node {node} has no systemUUID, so nobody knows which machine is its own: {fix}")
    if not found.uuid:
        raise FenceError(f"{bmc} tells no UUID, so it may be any machine's.")
    if not found.expected and target.twins:
        told = f"The UUID {wanted} of node {node} is also that of {', '.join(target.twins)}, so it identifies nobody"
        raise FenceError(f"{told}: {fix}")
    shared = _NOBODYS.intersection(ways(wanted))
    if shared:
        raise FenceError(f"The UUID {wanted} of node {node} is on many machines: {fix}")
    if not same(found.uuid, wanted):
        return f"{bmc} answers for the machine {found.uuid}, and node {node} is {wanted}: check address and system."
    return ""
