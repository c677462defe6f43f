"""How long the parts of a cluster take, in seconds: one frozen record, scaled by one factor.

The factor scales the actors and the durations that objects declare (`tolerationSeconds`), never a clock. Kubernetes
writes times in whole seconds, so actors keep exact times in memory, as the real controllers do.
"""

from dataclasses import dataclass, fields

SLOWEST_STATUS = 60.0  # seconds, for `Timing.node_status_after_boot`


@dataclass(frozen=True)
class Timing:
    """Seconds, each with its real default and where that was read or measured (traces: `tests/traces`)."""

    factor: float = 1.0  # what durations declared in objects are multiplied by

    # kube-controller-manager, node lifecycle: --node-monitor-period and --node-monitor-grace-period (50 s since 1.32)
    node_monitor_period: float = 5.0
    node_monitor_grace: float = 50.0
    # kube-controller-manager: --leader-elect-retry-period
    leader_renew: float = 2.0
    # kubelet: a Lease of 40 s is renewed every quarter of it (`pkg/kubelet/kubelet.go`, nodeLeaseRenewIntervalFraction)
    lease_renew: float = 10.0
    # kubelet --node-status-report-frequency: how often an unchanged status is reported
    node_status_report: float = 300.0
    # kubelet, after a boot: the Lease is renewed at once, the status (with the new bootID) up to so much later. Most
    # are as quick with both; the slowest known is `SLOWEST_STATUS`
    node_status_after_boot: float = 0.0
    # kubelet, measured in the traces: from bound (or attached) to phase Running
    pod_start: float = 0.5
    # kubelet: how long a pod that was asked to stop takes (ours; the traces hold no stop on a living node)
    pod_stop: float = 1.0
    # virt-handler `heartbeat.go`: JitterUntil(a minute, factor 1.2), so 60 to 132 s between beats; where the
    # longest is not longer than `heartbeat`, every beat is exact
    heartbeat: float = 60.0
    heartbeat_longest: float = 132.0
    # virt-handler, measured: from VMI phase Scheduled to Running
    guest_start: float = 0.6
    # virt-controller `node.go`: each node looked at once a minute, unresponsive after five
    node_look: float = 60.0
    node_unresponsive: float = 300.0
    # kube-scheduler, measured: from creation to binding 0.04-0.4 s
    schedule: float = 0.2
    # virt-controller, measured: from VMI to its launcher pod and back to Scheduling 0.1-0.8 s
    launch: float = 0.2
    # attach-detach controller: maxWaitForUnmountDuration, reconcilerSyncDuration (attach_detach_controller.go)
    unmount_wait: float = 360.0
    attach_sync: float = 60.0
    # attach-detach controller, measured: a failed or finished operation is tried again 0.35 s later
    attach_retry: float = 0.35
    # CSI attacher (external-attacher with a fast driver), measured: attach and detach 1.3-1.5 s
    attach: float = 1.4
    detach: float = 1.35
    # pod garbage collector (`pkg/controller/podgc`): gcCheckPeriod, and quarantineTime of pods of a deleted node
    pod_gc: float = 20.0
    pod_quarantine: float = 40.0

    def scaled(self, factor: float) -> "Timing":
        """The same cluster, every duration multiplied by `factor` (0.1 is ten times faster)."""
        return Timing(**{field.name: getattr(self, field.name) * factor for field in fields(self)})

    def declared(self, seconds: float) -> float:
        """A duration that an object declares, as this cluster lives it."""
        return seconds * self.factor
