"""How soon a VM of a lost node runs again with proof of death, by what this installation takes for proof. Pure.

Times count from the power cut, by the installation's settings and figures of docs/fencing.md ("From the power cut to
Running"); what an operator, an agent or a person takes is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reactor.model.drift import Policy
from reactor.model.fencing import POWER
from reactor.model.witness import SUSPICION

START = 5.0  # seconds, at most, from the last obstacle to Running: measured on a real control plane
RENEWED_EVERY = 10.0  # seconds between two renewals of a kubelet's Lease (a quarter of its 40 s)
NOTICED = (41.0, 54.0)  # seconds until Kubernetes says Unknown: measured on a real control plane
_ASKED = 2.0  # seconds, at most, from the suspicion to the proof and the release: benchmarks/proof.py
_WITNESSED = 20.0  # seconds, at most, from Unknown until witnesses have been heard: the same
_SILENT_BEFORE = 90.0  # seconds that virt-handler's last heartbeat may be old by then: the same
_BLOCKED = 10.0  # seconds, at most, for CSI-Addons to block a client: simulated


@dataclass(frozen=True, slots=True)
class ProvenTime:
    """By one provider: seconds from the power cut to Running, at least and at most.

    `most` is None where it is not known. `given`: what has to be so, as the end of "if ..."; "" where nothing has.
    """

    provider: str
    least: float
    most: float | None
    given: str

    @property
    def text(self) -> str:
        """For a table."""
        most = f"-{self.most:g} s" if self.most is not None else " s or more"
        return f"{self.least:g}{most} by {self.provider}, if {self.given}"


def proven_times(
    providers: tuple[str, ...], policy: Policy, drivers: frozenset[str], *, put_back: bool
) -> tuple[ProvenTime, ...]:
    """Of a VM that would be released, the soonest first.

    `providers`: the node's; `drivers`: CSI drivers of its volumes; `put_back`: the scheduler could put it back onto the
    node while that looks Ready, so that it waits until Kubernetes has noticed the loss.
    """
    times = [time for name in providers for time in _by(name, policy, drivers, put_back=put_back)]
    return tuple(sorted(times, key=lambda time: time.least))


def soonest(providers: tuple[str, ...], policy: Policy, drivers: frozenset[str]) -> str:
    """As the end of a sentence; "" where nothing can prove it."""
    times = proven_times(providers, policy, drivers, put_back=False)
    return times[0].text if times else ""


def _by(name: str, policy: Policy, drivers: frozenset[str], *, put_back: bool) -> Iterator[ProvenTime]:
    read = NOTICED if put_back else (max(0.0, policy.suspect_after - RENEWED_EVERY), policy.suspect_after + _ASKED)
    least, most = _acted(policy)
    if name in POWER:
        yield ProvenTime(name, read[0], read[1] + START, "it reads that the machine is off")
        yield ProvenTime(name, least, most + START, "the machine is on and has to be switched off")
    elif name == "network-fence" and drivers:
        yield ProvenTime(name, least, most + _BLOCKED + START, "all of its storage can be blocked")
    elif name == "event":
        yield ProvenTime(name, read[0], None, "somebody confirms that it is off")
    elif name in _OPERATORS:
        yield ProvenTime(name, least, None, _OPERATORS[name])


_OPERATORS = {"remediation": "the operator of its template is done", "metal3": "Metal3's operator has switched it off"}


def _acted(policy: Policy) -> tuple[float, float]:
    """When a provider is asked to act: by witnesses, or after the silence that is counted from the last heartbeat."""
    if policy.fence_at == SUSPICION:
        return NOTICED[0] + _WITNESSED, NOTICED[1] + _WITNESSED
    return max(NOTICED[0], policy.fence_after - _SILENT_BEFORE), policy.fence_after + _ASKED
