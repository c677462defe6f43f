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


_TABLE = (
    # waiting
    Reason(
        "unreachable-window",
        Phase.WAITING,
        "The node has not been unreachable for the whole window yet.",
        "The window's end, or the node's return.",
        "If you know that the node is off, repair it or wait; nothing shortens the window.",
    ),
    # blocked
    Reason(
        "kubelet-reports-not-ready",
        Phase.BLOCKED,
        "The node says of itself that it is not Ready: its kubelet is alive and its VMs may well run.",
        "The node becomes Ready, or unreachable (a new outage, with a window of its own).",
        "Look at the node's conditions and its kubelet.",
    ),
    Reason(
        "node-deleted",
        Phase.BLOCKED,
        "The Node object was deleted. That proves nothing about the machine.",
        "Kubernetes' pod garbage collection removes the launcher pod, or a node of that name registers.",
        "Make sure that the machine is off.",
    ),
    Reason(
        "too-few-nodes",
        Phase.BLOCKED,
        "The cluster has fewer available nodes than VMDRIFT_MIN_AVAILABLE_NODES asks for, the lost one counted.",
        "Another node becomes Ready and schedulable.",
        "Bring nodes back, or uncordon them.",
    ),
    Reason(
        "no-node-fits",
        Phase.BLOCKED,
        "Nodes that this VM could run on exist, but none of them is Ready and schedulable now.",
        "One of them becomes Ready and schedulable.",
        "Bring back or uncordon a node that matches the VM's nodeSelector, affinity and tolerations.",
    ),
    Reason(
        "claim-not-ready",
        Phase.BLOCKED,
        "A PersistentVolumeClaim of the VM is missing or not bound, so it is not known what lies on which storage.",
        "The claim is bound.",
        "Look at the claim that is named.",
    ),
    Reason(
        "shared-volume-not-fenced",
        Phase.BLOCKED,
        "A volume can be mounted by several nodes at once, so nothing would keep a node that is cut off but alive from "
        "writing to it beside the new one.",
        "The node returns.",
        "Make sure that the node is off, then force delete the launcher pod yourself.",
    ),
    Reason(
        "not-terminating",
        Phase.BLOCKED,
        "Kubernetes has not yet marked the launcher pod for deletion.",
        "The taint manager evicts the pod.",
        "Look at the pod's tolerations and at how many nodes of its zone are lost.",
    ),
    Reason(
        "observe-only",
        Phase.BLOCKED,
        "Every prerequisite holds, but this installation only observes.",
        "VMDRIFT_POLICY=auto, the node's return, or an operator who does it by hand.",
        "Do what the sentence says, or set VMDRIFT_POLICY=auto.",
    ),
    Reason(
        "held",
        Phase.BLOCKED,
        "Somebody asked that this VM be left alone.",
        "The hold is lifted.",
        "Lift the hold.",
    ),
    Reason(
        "changed-underway",
        Phase.BLOCKED,
        "The cluster changed between the decision and the act, so nothing was done.",
        "The next look.",
    ),
    Reason(
        "api-unavailable",
        Phase.BLOCKED,
        "The API server gave no usable answer, so nothing is known.",
        "The API server answers.",
        "Look at the API server and the network towards it.",
    ),
    Reason(
        "api-refused",
        Phase.BLOCKED,
        "The API server refused a call.",
        "The permission or the missing kind is there.",
        "Compare the ServiceAccount's permissions with the manifest; check that KubeVirt is installed.",
    ),
    # refused
    Reason(
        "pinned-to-node",
        Phase.REFUSED,
        "The VM can run on no other node than the lost one.",
        "Nothing here: it starts when the node is back.",
        "Change the VM's nodeSelector or affinity if it may run elsewhere.",
    ),
    Reason(
        "node-local-volume",
        Phase.REFUSED,
        "A disk of the VM lies on the lost node itself.",
        "Nothing here: the disk is back when the node is.",
        "Restore the disk from a backup, or bring the node back.",
    ),
    Reason(
        "unsupported-storage",
        Phase.REFUSED,
        "It is not known that this kind of volume may safely move. Unknown means unsafe.",
        "Nothing here.",
        "Move the VM by hand if you know its storage.",
    ),
    Reason(
        "run-strategy",
        Phase.REFUSED,
        "With this run strategy KubeVirt does not start the VM again by itself.",
        "Nothing here.",
        "Start the VM by hand, or set runStrategy: Always.",
    ),
    # under way
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
        "Set vmdrift.io/detach: delete on the VM if you know that the node is off.",
    ),
    Reason(
        "still-attached",
        Phase.DETACHING,
        "The six minutes are over and the lost node still holds a volume.",
        "The VolumeAttachment that is named is gone.",
        "If you know that the node is off: kubectl delete volumeattachment NAME.",
    ),
    Reason(
        "volumeattachment-deleted",
        Phase.DETACHING,
        "The VolumeAttachment of the lost node was deleted at once, as asked for. That is unfenced: nothing proves "
        "that the node has stopped writing.",
        "Kubernetes attaches the volume to the new node (its next sync, up to a minute).",
    ),
    Reason(
        "waiting-for-replacement",
        Phase.STARTING,
        "The launcher pod is gone; KubeVirt has not created the new VM instance yet.",
        "The new VM instance appears.",
        "If it takes long, look at virt-controller.",
    ),
    Reason(
        "unschedulable",
        Phase.STARTING,
        "The scheduler finds no node for the new launcher pod.",
        "There is room.",
        "Read the scheduler's words in the sentence.",
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
        "If it takes long, look at the launcher pod's events.",
    ),
    # ends
    Reason("running-elsewhere", Phase.COMPLETED, "The VM runs on another node.", "It is an end."),
    Reason(
        "node-returned",
        Phase.CANCELLED,
        "The node came back before anything was done; nothing was touched.",
        "It is an end.",
    ),
    Reason(
        "newer-outage",
        Phase.CANCELLED,
        "The node came back and was lost again: another outage, with a window and a drift of its own.",
        "It is an end.",
    ),
    Reason(
        "node-replaced",
        Phase.CANCELLED,
        "A new node registered under the same name; what runs there is not this outage's.",
        "It is an end.",
    ),
    Reason("vm-deleted", Phase.CANCELLED, "The VM was deleted.", "It is an end."),
    Reason("not-on-node", Phase.CANCELLED, "The VM does not run on the lost node any more.", "It is an end."),
)

REASONS = {reason.code: reason for reason in _TABLE}
