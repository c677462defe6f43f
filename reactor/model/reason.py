"""Every reason code: the phase that it explains, what it means, what ends it, what an operator can do."""

from dataclasses import dataclass

from reactor.model.drift import Phase


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the table. `ends` and `operator` are sentences."""

    code: str
    phase: Phase
    meaning: str
    ends: str
    operator: str = "Nothing."

    @property
    def final(self) -> bool:
        """Does the drift end with it, whatever changes later in its outage?"""
        return self.ends == END


END = "It is an end."


_LOOKED_AT = "It is checked again within five minutes, as long as the outage lasts."
_TABLE = (
    # waiting
    Reason(
        "unreachable-window",
        Phase.WAITING,
        "The node has not been unreachable for the whole window yet.",
        "The window's end, or the node's return.",
        'If you know that the node is off: vmdrift confirm-off NODE --i-checked "how you know". '
        "Nothing else shortens it.",
    ),
    Reason(
        "not-noticed",
        Phase.WAITING,
        "The node is silent, and Kubernetes has not noticed yet: it still takes it for Ready. Before it calls it "
        "Unknown, only proof that the whole machine is dead releases a VM.",
        "Proof, Kubernetes' own notice, or the node's next sign of life.",
    ),
    Reason(
        "watching-for-life",
        Phase.WAITING,
        "Lease and virt-handler heartbeat of the lost node must have been watched for VMDRIFT_VIRT_HANDLER_GRACE "
        "without a change. That counts from the first check, so it starts again when Redis was lost.",
        "The grace's end, or a sign of life.",
    ),
    Reason(
        "cool-down",
        Phase.WAITING,
        "Too many nodes were lost, or the control plane was not steady, until a moment ago.",
        "At least a minute in which the cluster stays in order.",
    ),
    Reason(
        "eviction-due",
        Phase.WAITING,
        "Kubernetes is about to evict the launcher pod: its toleration of a lost node ends about now.",
        "The launcher pod is Terminating.",
    ),
    # blocked
    Reason(
        "kubelet-alive",
        Phase.BLOCKED,
        "The lost node's Lease changed while we watched: its kubelet lives, and its VMs may well run.",
        "VMDRIFT_VIRT_HANDLER_GRACE without another change, or the node's return.",
        "Check the network path from NODE to the API server: the machine lives.",
    ),
    Reason(
        "clock-off",
        Phase.BLOCKED,
        "The clock of the worker that checked is more than 5 s off Redis', so it does not judge whether the node was "
        "silent for long enough.",
        "A check by a worker whose clock is right, or proof that the node is dead.",
        "`vmdrift doctor` names the process. Keep its machine's clock, and that of Redis' machine, by NTP.",
    ),
    Reason(
        "virt-handler-alive",
        Phase.BLOCKED,
        "The lost node's virt-handler heartbeat changed while we watched: only its kubelet is gone, and its VMs may"
        " well run (kubevirt issue 8104).",
        "VMDRIFT_VIRT_HANDLER_GRACE without another change, or the node's return.",
        "Restart the kubelet of NODE, there: `systemctl restart kubelet`.",
    ),
    Reason(
        "too-many-nodes-lost",
        Phase.BLOCKED,
        "More nodes than VMDRIFT_MAX_UNREACHABLE are unreachable at once: that looks like the network or the "
        "control plane.",
        "Nodes come back; then a minute of cool-down.",
        "Check the control plane, and what the lost nodes have in common: `kubectl get nodes`.",
    ),
    Reason(
        "control-plane-unsteady",
        Phase.BLOCKED,
        "The controller manager, or most nodes that are not lost, have not renewed their Leases since the outage "
        "began, so what the API says of nodes is not up to date.",
        "They renew them; then a minute of cool-down.",
        "Check kube-controller-manager (`kubectl -n kube-system get lease kube-controller-manager`) and the API "
        "server.",
    ),
    Reason(
        "kubelet-reports-not-ready",
        Phase.BLOCKED,
        "The node says of itself that it is not Ready: its kubelet is alive and its VMs may well run.",
        "The node becomes Ready, or unreachable (a new outage, with a window of its own).",
        "Check its conditions (`kubectl describe node NODE`) and its kubelet.",
    ),
    Reason(
        "lost-since-unknown",
        Phase.BLOCKED,
        "The node is Unknown, but its Ready condition has no valid lastTransitionTime: since when is unknown.",
        "The condition has a valid time again, or the node is back.",
        "Check the Ready condition, and who else writes there: `kubectl get node NODE -o yaml --show-managed-fields`.",
    ),
    Reason(
        "node-deleted",
        Phase.BLOCKED,
        "The Node object was deleted. That proves nothing about the machine.",
        "Kubernetes' pod garbage collection removes the launcher pod, or a node of that name registers.",
        "Make sure that NODE is off.",
    ),
    Reason(
        "too-few-nodes",
        Phase.BLOCKED,
        "The cluster has fewer available nodes than VMDRIFT_MIN_AVAILABLE_NODES asks for, the lost one counted.",
        "Another node becomes Ready and schedulable.",
        "Bring nodes back, or uncordon them: `kubectl get nodes` shows which.",
    ),
    Reason(
        "no-node-fits",
        Phase.BLOCKED,
        "Nodes that this VM could run on exist, but none of them takes it now: they are not Ready, cordoned, have a "
        "taint that it does not tolerate, or other pods keep it away (anti-affinity, affinity, "
        "topologySpreadConstraints).",
        "One of them becomes Ready and schedulable, the taint is gone, and the pods let it.",
        "Bring back or uncordon a node that matches the VM's nodeSelector and affinity; take the taint away; move the "
        "pod that is named. Or change the VM (`kubectl -n NAMESPACE edit vm VM`): add a toleration, or make the rule a "
        "preferred one.",
    ),
    Reason(
        "claim-not-ready",
        Phase.BLOCKED,
        "A PersistentVolumeClaim of the VM is missing or not bound, so it is not known what lies on which storage.",
        "The claim is bound.",
        "Check the claim that is named: `kubectl -n NAMESPACE get pvc`.",
    ),
    Reason(
        "shared-volume-not-fenced",
        Phase.BLOCKED,
        "A volume can be mounted by several nodes at once, so nothing would keep a node that is cut off but alive "
        "from writing to it beside the new one.",
        "Proof that the node is dead, or its return.",
        'Make sure that the node is off, then: vmdrift confirm-off NODE --i-checked "how you know". '
        "VMDRIFT_ALLOW_UNFENCED_RWX=true takes the risk for all of them.",
    ),
    Reason(
        "not-fenced",
        Phase.BLOCKED,
        "This VM is to be moved only with proof that its node is dead (VMDRIFT_REQUIRE_FENCE, or the annotation "
        "vmdrift.io/require-fence on the VM, its namespace or a StorageClass), and there is none.",
        "Somebody entitled confirms that the node is off, or that its storage is blocked; or the node returns.",
        'Make sure that the machine is off, then: vmdrift confirm-off NODE --i-checked "how you know".',
    ),
    Reason(
        "replica-not-synced",
        Phase.BLOCKED,
        "No living node is known to have a HwameiStor replica that is Ready and synced.",
        "A replica is synced.",
        "Check the replicas of the volume that is named: `kubectl get localvolumereplicas`.",
    ),
    Reason(
        "claim-used-by-pod",
        Phase.BLOCKED,
        "Another pod on the lost node uses a claim of the VM. While it exists, Kubernetes keeps the volume attached"
        " there, and the six minutes do not even begin.",
        "That pod is gone.",
        'Make sure that the node is off, then: vmdrift confirm-off NODE --i-checked "how you know". With that proof '
        "the pod's object is deleted, unless it is of another VM or VMDRIFT_DEAD_PODS is keep; "
        '`vmdrift taint NODE --why "how you know"` has Kubernetes remove all that is there.',
    ),
    Reason(
        "could-be-put-back",
        Phase.BLOCKED,
        "The node is proven dead, but still looks Ready, and no taint of it keeps this VM away: the scheduler could "
        "put the VM back there.",
        "The out-of-service taint, unless the VM tolerates it; or Kubernetes calls the node Unknown.",
    ),
    Reason(
        "not-terminating",
        Phase.BLOCKED,
        "Kubernetes has not yet marked the launcher pod for deletion.",
        "The taint manager evicts the pod.",
        "Check the pod's tolerations (`kubectl -n NAMESPACE describe pods -l vm.kubevirt.io/name=VM`), and how many "
        "nodes of its zone are lost. VMDRIFT_DELETE_UNEVICTED=true "
        "lets such pods be deleted all the same.",
    ),
    Reason(
        "launcher-kept",
        Phase.BLOCKED,
        "The launcher pod was force-deleted, but a finalizer keeps it, and KubeVirt starts no other one meanwhile. A "
        "finalizer is never removed from here.",
        "Whoever set the finalizer removes it.",
        "Check whoever set the finalizer that is named. If it is gone for good: "
        """`kubectl -n NAMESPACE patch pod NAME --type=merge -p '{"metadata":{"finalizers":null}}'`.""",
    ),
    Reason(
        "manual-recovery-required",
        Phase.BLOCKED,
        "KubeVirt does not start this VM before somebody has repaired it: a migration of its volumes broke off, or "
        "breaks off with its node. So it is not released either.",
        "The VM's condition that is named is gone.",
        "Undo the change of the VM's volumes that broke off (`kubectl -n NAMESPACE edit vm VM`); then KubeVirt takes "
        "the condition away.",
    ),
    Reason(
        "not-running-again",
        Phase.BLOCKED,
        "The node is back, or another one has its name, but the VM has not started again within two minutes. Nothing "
        "is deleted: whether the old instance still runs there its kubelet knows, and not vm-drift.",
        "The VM runs, there or elsewhere, is stopped or deleted; or the node is lost again.",
        "Check what the sentence names: the kubelet of NODE, a finalizer, virt-controller. If the kubelet cannot end "
        "the launcher pod (`kubectl -n NAMESPACE describe pods -l vm.kubevirt.io/name=VM`), restart it, or power the "
        "machine off: then the node is lost again, and the VM is moved with all checks.",
    ),
    Reason(
        "observe-only",
        Phase.BLOCKED,
        "Every prerequisite has passed, but the policy is observe: the VM's, its namespace's or this installation's.",
        "Policy auto, or the node's return.",
        "Change who says observe, which the check policy names: the VM (`kubectl -n NAMESPACE annotate vm VM "
        "vmdrift.io/policy-`), its namespace (`kubectl annotate namespace NAMESPACE vmdrift.io/policy-`) or "
        "VMDRIFT_POLICY. That is enough.",
    ),
    Reason(
        "held",
        Phase.BLOCKED,
        "Somebody asked to pause recovery of this VM, its node or everything. Timers keep running.",
        "The hold is lifted, or its time passes.",
        "`vmdrift holds` shows who holds what (the VM, its node or all), why and until when. "
        "`vmdrift resume NAMESPACE/VM` lifts the VM's own hold, `vmdrift resume NODE` its node's, `vmdrift resume all` "
        "the one of everything.",
    ),
    Reason(
        "changed-underway",
        Phase.BLOCKED,
        "The cluster changed between the decision and the act, so nothing was done.",
        "The next check.",
    ),
    Reason(
        "api-unavailable",
        Phase.BLOCKED,
        "The API server gave no usable answer, so nothing is known.",
        "The API server answers.",
        "Check the API server and the network towards it: `vmdrift doctor` says what answers.",
    ),
    Reason(
        "api-refused",
        Phase.BLOCKED,
        "The API server refused a call.",
        "The permission or the missing kind is there.",
        "`kubectl -n vm-drift exec deploy/drifts -- vmdrift doctor --role drifts` names the right that is missing; "
        "check that KubeVirt is installed.",
    ),
    # refused
    Reason(
        "pinned-to-node",
        Phase.REFUSED,
        "The VM can run on no other node than the lost one: none has what its template, its instance type, its "
        "namespace or KubeVirt itself (CPU model and features, architecture, cpumanager, ...) asks of a node.",
        f"The node's return, another template, or a node that fits. {_LOOKED_AT}",
        "Change what the VM asks for (nodeSelector, affinity, CPU) if it may run elsewhere: `kubectl -n NAMESPACE edit "
        "vm VM`; or give another node the labels. That is enough.",
    ),
    Reason(
        "node-local-volume",
        Phase.REFUSED,
        "A disk of the VM lies on the lost node itself.",
        f"The node's return, or another disk. {_LOOKED_AT}",
        "Bring NODE back; or restore the disk from a backup to storage that others reach, and name that claim in the "
        "VM's template: `kubectl -n NAMESPACE edit vm VM`. That is enough.",
    ),
    Reason(
        "unsupported-storage",
        Phase.REFUSED,
        "It is not known that this kind of volume may safely move. Unknown means unsafe.",
        f"The node's return, another volume, or VMDRIFT_SHARED_CSI_DRIVERS. {_LOOKED_AT}",
        "If any node can attach volumes of the CSI driver that is named, name it in VMDRIFT_SHARED_CSI_DRIVERS. Of an "
        "in-tree volume (nfs, iscsi, fc, ...) move the data to a claim of a CSI driver. Else bring NODE "
        "back.",
    ),
    Reason(
        "run-strategy",
        Phase.REFUSED,
        "With this run strategy KubeVirt does not start the VM again by itself.",
        f"The node's return, or another run strategy. {_LOOKED_AT}",
        "Let KubeVirt start it: `kubectl -n NAMESPACE patch vm VM --type=merge -p "
        """'{"spec":{"running":null,"runStrategy":"Always"}}'`. That is enough.""",
    ),
    Reason(
        "bare-instance",
        Phase.REFUSED,
        "A VirtualMachineInstance that neither a VirtualMachine nor a ReplicaSet stands behind is never created again.",
        f"The node's return, or its deletion. {_LOOKED_AT}",
        "Create a VirtualMachine of its name: KubeVirt has it adopt the instance. That is enough.",
    ),
    Reason(
        "policy-never",
        Phase.REFUSED,
        "The VM, its namespace or this installation says never.",
        f"The node's return, or another policy. {_LOOKED_AT}",
        "Change what the sentence names: the VM's annotation (`kubectl -n NAMESPACE annotate vm VM "
        "vmdrift.io/policy-`), its namespace's (`kubectl annotate namespace NAMESPACE vmdrift.io/policy-`) or "
        "VMDRIFT_POLICY. That is enough.",
    ),
    # under way
    Reason(
        "taint-due",
        Phase.WAITING,
        "The node is proven dead and this VM may be released. First its node is put out of service by Kubernetes' "
        "taint (effect NoSchedule), which keeps the scheduler away and evicts nobody.",
        "The taint is set, within a second or two; or it is not set, because it would cost a VM that may not move.",
    ),
    Reason(
        "force-deleted",
        Phase.RELEASED,
        "The launcher pod was force-deleted; KubeVirt now replaces the VM instance.",
        "The replacement appears.",
    ),
    Reason(
        "detach-window",
        Phase.DETACHING,
        "The lost node still holds a volume; Kubernetes takes it away six minutes after the launcher pod is gone.",
        "The forced detach.",
        'If you know that the node is off: vmdrift confirm-off NODE --i-checked "how you know". Its volumes are then '
        "detached at once.",
    ),
    Reason(
        "still-attached",
        Phase.DETACHING,
        "The lost node still holds a volume though it should not any more: the six minutes are over, or its "
        "VolumeAttachment was deleted and a finalizer keeps it.",
        "The VolumeAttachment that is named is gone.",
        "Check the CSI attacher; a finalizer is never removed from here. If the VolumeAttachment is not deleted yet, "
        'and you know that the node is off: vmdrift confirm-off NODE --i-checked "how you know".',
    ),
    Reason(
        "dead-pod-deleted",
        Phase.DETACHING,
        "Another pod, as dead as its node is proven to be, kept a volume of the VM attached there; its object was "
        "force-deleted (VMDRIFT_DEAD_PODS).",
        "The volume is freed as after any release.",
    ),
    Reason(
        "volumeattachment-deleted",
        Phase.DETACHING,
        "The VolumeAttachment of the lost node was deleted at once: because the node is proven dead, or as asked for. "
        "The latter is unfenced: nothing proves that the node has stopped writing.",
        "Kubernetes attaches the volume to the new node (its next sync, up to a minute).",
    ),
    Reason(
        "detached-by-taint",
        Phase.DETACHING,
        "The lost node has Kubernetes' out-of-service taint, so Kubernetes detaches its volumes at once.",
        "The volume is detached.",
    ),
    Reason(
        "waiting-for-replacement",
        Phase.STARTING,
        "The launcher pod is gone; KubeVirt has not created the new VM instance yet.",
        "The new VM instance appears.",
        "If it takes long, check virt-controller: `kubectl get pods -A -l kubevirt.io=virt-controller`.",
    ),
    Reason(
        "unschedulable",
        Phase.STARTING,
        "The scheduler finds no node for the new launcher pod.",
        "There is room.",
        "The sentence quotes the scheduler.",
    ),
    Reason(
        "waiting-for-volume",
        Phase.STARTING,
        "The new launcher pod waits for a volume to be attached to its node.",
        "The volume is attached.",
    ),
    Reason(
        "waiting-for-running",
        Phase.STARTING,
        "The new VM instance is on its way.",
        "Its phase is Running on a Ready node.",
        "If it takes long, check the launcher pod's events: `kubectl -n NAMESPACE describe pods -l "
        "vm.kubevirt.io/name=VM`.",
    ),
    Reason(
        "returning",
        Phase.STARTING,
        "The node is back, or another one has its name. Its kubelet and KubeVirt have two minutes to start the VM.",
        "The VM runs, there or elsewhere.",
    ),
    # ends
    Reason("running-elsewhere", Phase.COMPLETED, "The VM runs on another node.", END),
    Reason("returned-node", Phase.COMPLETED, "The VM runs on the node that was lost, which is back.", END),
    Reason(
        "replicas-restored",
        Phase.COMPLETED,
        "The ReplicaSet that owned the instance has as many ready ones again as it should.",
        END,
    ),
    Reason(
        "start-deadline",
        Phase.FAILED,
        "The new VM did not run within VMDRIFT_START_DEADLINE, though no volume held it back. It may still come up.",
        f"It runs all the same. {_LOOKED_AT}",
        "Read what Kubernetes says, in the sentence; check the new launcher pod: `kubectl -n NAMESPACE describe pods "
        "-l vm.kubevirt.io/name=VM`.",
    ),
    Reason(
        "node-returned",
        Phase.CANCELLED,
        "The node came back before anything was done, and the VM runs; nothing was touched.",
        END,
    ),
    Reason(
        "newer-outage",
        Phase.CANCELLED,
        "The node came back and was lost again: another outage, with a window and a recovery of its own.",
        END,
    ),
    Reason(
        "node-replaced",
        Phase.CANCELLED,
        "A new node registered under the same name, and the VM runs; nothing was touched.",
        END,
    ),
    Reason(
        "vm-stopped",
        Phase.CANCELLED,
        "Somebody, or the guest itself, stopped the VM.",
        f"The outage's end. If it is started again, it is moved all the same. {_LOOKED_AT}",
    ),
    Reason("nothing-ran", Phase.CANCELLED, "The instance had ended by itself before its node was lost.", END),
    Reason(
        "taken-up-again",
        Phase.WAITING,
        "Somebody asked to retry an ended recovery (`vmdrift retry`).",
        "The next check, at once.",
    ),
    Reason(
        "cancelled-by-hand",
        Phase.CANCELLED,
        "Somebody cancelled this recovery; the sentence says who, when and why.",
        END,
        "`vmdrift retry NAMESPACE/VM` starts it again.",
    ),
    Reason(
        "vm-deleted",
        Phase.CANCELLED,
        "The VM was deleted. One that was made under its name since has a recovery of its own.",
        END,
    ),
    Reason("not-on-node", Phase.CANCELLED, "The VM does not run on the lost node any more.", END),
)

REASONS = {reason.code: reason for reason in _TABLE}
