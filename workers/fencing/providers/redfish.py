"""The fencing provider `redfish`: a lost node's power is cut through its BMC, and its state read back.

There is no object in the cluster that could have `target.marks`: the intention, and what came of it, is in the
ConfigMap alone, which the caller writes before and after. A BMC knows no boots either: Off says that whatever boot
there was has ended, and a command hits the boot that runs when it arrives.
"""

from uuid import UUID

from reactor.adapters.redfish.bmc import Bmc, BmcReading
from reactor.model.errors import FenceError, NoAnswer
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import ProviderStatus, State, Target
from reactor.model.machine_uuid import same, ways

# They have power, so a boot may live or begin; PoweringOff is on its way already.
_POWERED = frozenset({"On", "PoweringOn", "Paused"})
_UNDER_WAY = frozenset({"Off", "PoweringOff"})
# On many machines: "not present" and "not set" (DMTF DSP0134, 7.2.1), and what AMI's boards have until it is set.
_UNSET_UUIDS = frozenset({UUID(int=0), UUID(int=2**128 - 1), UUID("03000200-0400-0500-0006-000700080009")})


class Redfish:
    """A Provider. Only what answers for the node's own machine is trusted or switched off."""

    name = "redfish"

    def __init__(self, bmc: Bmc) -> None:
        self._bmc = bmc

    def fence(self, target: Target) -> None:
        """ForceOff, unless the machine is off or going off. FenceError where it is not known to be the right one.

        Asked for again while the machine is still on, it is sent again: that is not remembered, and changes nothing.
        """
        reading = self._read(target)
        if wrong := _wrong(reading, target):
            raise FenceError(f"{wrong} Nothing was sent to it.")
        if reading.power in _POWERED:
            self._bmc.force_off(target.node.name, reading.uuid)
        elif reading.power not in _UNDER_WAY:
            raise FenceError(f"{_reads(reading)}, which vm-drift does not know: nothing was sent to it.")

    def status(self, target: Target) -> ProviderStatus:
        """FENCED where it reads Off. ABSENT, so "it cannot tell", for all but On, Off and PoweringOff.

        PoweringOn and Paused may end either way, an unknown word may mean anything, and all of them may change: that
        is no failure, which would be final. NoAnswer where the BMC itself is dark: that says nothing of its host.
        """
        reading = self._read(target)
        if wrong := _wrong(reading, target):
            return ProviderStatus(State.FAILED, wrong, by=reading.address)
        machine = f"for the machine of node {target.node.name} (UUID {reading.uuid})"
        state, meaning = {
            "Off": (State.FENCED, f"{machine}: it is off"),
            "On": (State.ALIVE, f"{machine}: it is on"),
            "PoweringOff": (State.WORKING, f"{machine}: it is about to be off"),
        }.get(reading.power, (State.ABSENT, f"{machine}, which proves neither that it is off nor that it is on"))
        return ProviderStatus(state, f"{_reads(reading)} {meaning}.", by=reading.address)

    def release(self, target: Target) -> ProviderStatus:
        """ABSENT always. Nothing is switched on again: whoever administers the machine does that."""
        sentence = f"Nothing is left to take back: node {target.node.name} is not switched on again by us."
        return ProviderStatus(State.ABSENT, sentence)

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled:  # noqa: ARG002 - as every provider
        """Does its BMC let us in, answer for this very machine, say that it is on, and take ForceOff?"""
        reading = self._read(target)
        file = f"{target.node.name}.json in VMDRIFT_BMC_DIR"
        if wrong := _wrong(reading, target):
            return Drilled(False, wrong)
        if reading.power != "On":
            sentence = f"{_reads(reading)}, and node {target.node.name} is Ready: it is not believed when it counts."
            return Drilled(False, sentence, f"Check address and system in {file}, and the BMC itself.")
        if not reading.can_force_off:
            sentence = f"BMC {reading.address} does not list ForceOff among the orders that this machine takes."
            return Drilled(False, sentence, f"Give the user in {file} the right to switch the power.")
        return Drilled(True, f"BMC {reading.address} answers for this machine, says that it is on, and takes ForceOff.")

    def credentials(self, target: Target) -> str:
        """The node's file."""
        return self._bmc.credentials(target.node.name)

    def _read(self, target: Target) -> BmcReading:
        try:
            return self._bmc.read(target.node.name)
        except NoAnswer as error:
            raise NoAnswer(f"{error} (dark): it may have lost its power together with the host.") from error


def _reads(reading: BmcReading) -> str:
    return f"Redfish of BMC {reading.address} reads PowerState {reading.power or '(none)'}"


def _wrong(reading: BmcReading, target: Target) -> str:
    """Why this is not the node's machine; "" if it is. FenceError where that is not known."""
    node, bmc = target.node.name, f"Redfish of BMC {reading.address}"
    wanted = reading.expected or target.machine
    fix = f"set uuid in {node}.json in VMDRIFT_BMC_DIR to the machine's UUID."
    if not wanted:
        raise FenceError(f"Node {node} has no systemUUID, so its machine is unknown: {fix}")
    if not reading.uuid:
        raise FenceError(f"{bmc} reports no UUID, so it may belong to any machine.")
    if not reading.expected and target.twins:
        problem = f"The UUID {wanted} of node {node} is also that of {', '.join(target.twins)}, so it is ambiguous"
        raise FenceError(f"{problem}: {fix}")
    shared = _UNSET_UUIDS.intersection(ways(wanted))
    if shared:
        raise FenceError(f"The UUID {wanted} of node {node} is on many machines: {fix}")
    if not same(reading.uuid, wanted):
        return f"{bmc} answers for the machine {reading.uuid}, and node {node} is {wanted}: check address and system."
    return ""
