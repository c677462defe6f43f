"""`python -m benchmarks.woken [RUNS]`: how soon what happens in the cluster is acted on, or reported.

A simulated cluster in real time, whose windows are shorter. What is measured (watches, Redis, RQ, our passes) is not.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from statistics import median, quantiles
from typing import Any

from benchmarks.report import Figure, report
from benchmarks.site import WORKER, RunningSite, running
from reactor.adapters.kubernetes.cluster import KubernetesCluster, connect
from reactor.model.intervention import ALL, CANCEL, CONFIG_MAP, HOLD, Intervention, vm_target
from tests.support.commands import vmdrift

RUNS, VMS = 5, 10
_NAMESPACE = "vm-drift"
_FENCING = "workers fencing"
_WAITS = "shop/database"  # of the demo: an RBD volume, and the six minutes


class FencedSite(RunningSite):
    """Whose nodes are proven dead by a person's word."""

    def env(self, role: str = "drifts") -> Mapping[str, str]:
        """With the fencing role's setting."""
        return {**super().env(role), "VMDRIFT_FENCING": "event"}


def completed() -> list[float]:
    """Seconds for each VM from its instance's Running to the end of its drift."""
    with running(WORKER, VMS) as site:
        site.demo.cut_power()
        site.until("every drift has ended", lambda: ended(site) == VMS)
        ran = {(entry["namespace"], entry["name"]): entry["time"] for entry in started(site)}
        drifts = [(record.drift.vm, record.ended_at or 0.0) for record in site.records().values()]
        return [at - ran[vm.namespace, vm.name] for vm, at in drifts]


def ended(site: RunningSite) -> int:
    """How many drifts have."""
    return sum(record.ended for record in site.records().values())


def started(site: RunningSite) -> Iterator[dict[str, Any]]:
    """virt-handler's updates that brought an instance to Running; the last of each counts."""
    for entry in site.requests("virtualmachineinstances", "update"):
        if "virt-handler" in entry["user"]:
            yield entry


def asked() -> dict[str, float]:
    """Seconds from what a person writes to what is done about it: a hold lifted, a detach asked for, a cancel."""
    with running(WORKER, 0) as site:
        admin = connect(str(site.demo.kubeconfig("admin")), 30.0)
        site.demo.cut_power()
        site.until("the drifts have begun", lambda: _WAITS in site.records())
        hold = Intervention(HOLD, ALL, "bench", "to be lifted", 0.0)
        note(admin, hold)
        site.until("a drift is held", lambda: any(r.reason == "held" for r in site.records().values()))
        time.sleep(2)
        lifted = lift(admin, hold)
        site.until("a pod is deleted", lambda: bool(site.deletes("pods")))
        found = {"a hold lifted -> the first DELETE": first(site, "pods") - lifted}
        site.until("it waits for its six minutes", lambda: site.records()[_WAITS].reason == "detach-window")
        time.sleep(2)
        found["detach set on a VM -> the DELETE of its attachment"] = detached(site, admin)
        return found


def detached(site: RunningSite, admin: KubernetesCluster) -> float:
    """Ask for it; how many seconds later it is done."""
    namespace, _, name = _WAITS.partition("/")
    vm = admin.find("virtualmachines", name, namespace) or {}
    before, begun = len(site.deletes("volumeattachments")), time.time()
    admin.change("virtualmachines", vm, {"metadata": {"annotations": {"vmdrift.io/detach": "delete"}}})
    site.until("it is detached", lambda: len(site.deletes("volumeattachments")) > before)
    return float(site.deletes("volumeattachments")[-1]["time"]) - begun


def cancelled() -> float:
    """Seconds from a cancel of a waiting drift to its end."""
    with running(WORKER, 0) as site:
        admin = connect(str(site.demo.kubeconfig("admin")), 30.0)
        site.demo.cut_power()
        site.until("it waits", lambda: _WAITS in site.records())
        time.sleep(3)
        drift, begun = site.records()[_WAITS].drift, time.time()
        note(admin, Intervention(CANCEL, vm_target(drift.vm), "bench", "no", begun, None, drift.outage.id))
        site.until("it has ended", lambda: site.records()[_WAITS].ended)
        return (site.records()[_WAITS].ended_at or 0.0) - begun


def note(admin: KubernetesCluster, one: Intervention) -> None:
    """As `vmdrift hold` and `cancel` write it."""
    admin.note(CONFIG_MAP, _NAMESPACE, {one.key: one.as_text()})


def lift(admin: KubernetesCluster, one: Intervention) -> float:
    """As `vmdrift resume` does; when."""
    admin.note(CONFIG_MAP, _NAMESPACE, {one.key: None})
    return time.time()


def first(site: RunningSite, resource: str) -> float:
    """When the first one was deleted."""
    return min(float(entry["time"]) for entry in site.deletes(resource))


def proven() -> tuple[float, float]:
    """Seconds from a person's word that the node is off, and from the proof, to the first DELETE."""
    with running(WORKER, VMS, FencedSite) as site:
        site.start(_FENCING)
        site.demo.cut_power()
        site.until("the drifts have begun", lambda: len(site.records()) == VMS)
        time.sleep(2)
        env = {**site.env("operator"), "VMDRIFT_NAMESPACE": _NAMESPACE}
        begun = time.time()
        done = vmdrift("confirm-off", site.demo.lost, "--i-checked", "its plug", env=env)
        if done.code:
            raise RuntimeError(f"confirm-off: {done.out}{done.err}")
        site.until("a pod is deleted", lambda: bool(site.deletes("pods")))
        at = first(site, "pods")
        written = [entry["time"] for entry in site.requests("configmaps", "patch") if proof(entry)]
        return at - begun, at - max(time_ for time_ in written if time_ <= at)


def proof(entry: Mapping[str, str]) -> bool:
    """Is it the fencing role's word?"""
    return entry["name"] == "vm-drift-fencing" and entry["user"].endswith(":fencing")


def main(runs: int) -> int:
    """Returns the exit code."""
    late = [seconds for _ in range(runs) for seconds in completed()]
    interventions = [asked() for _ in range(runs)]
    cancels, proofs = [cancelled() for _ in range(runs)], [proven() for _ in range(runs)]
    figures = [
        Figure("VM running -> completed reported; median", median(late), "s", 0.5),
        Figure("the same, p99", quantiles(late, n=100, method="inclusive")[98], "s"),
        *(
            Figure(f"{what}; most", max(one[what] for one in interventions), "s", 1)
            for what in (interventions[0] if interventions else {})
        ),
        Figure("a waiting drift cancelled -> its end; most", max(cancels), "s", 1),
        Figure("proof of death -> the first DELETE; median", median(at for _, at in proofs), "s", 0.3),
        Figure("a person's word that the node is off -> the first DELETE; median", median(at for at, _ in proofs), "s"),
    ]
    return report("woken", "Woken, not polled", figures, runs=runs, vms=VMS, late=late, proofs=proofs)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
