"""Every setting: name, unit, default, why. Read once from the environment; a malformed one stops the process at start.

A variable that is set but empty counts as not set, as it does in most manifests.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Self

from reactor import setting_types, timing
from reactor.model.drift import TENANTS_MAY, Policy
from reactor.model.errors import SettingsError
from reactor.model.fencing import PROVIDERS
from reactor.model.recovery import Windows

# Settings of earlier versions that nothing reads any more, and what to do about that.
GONE = {
    "VMDRIFT_FENCED_RELEASE": "remove it: there is one way to release with proof now, as fast as taint was, which "
    "evicts nobody (docs/fencing.md). `vmdrift taint NODE` still removes everything from a node."
}


def setting(unit: str, default: Any, parse: setting_types.Parse, why: str, **more: Any) -> Any:
    """One row of the registry, named VMDRIFT_ + the field's name, or `env`. A `secret` value is never shown."""
    return field(default=default, metadata={"unit": unit, "parse": parse, "why": why, **more})


def env_name(row: Field[Any]) -> str:
    """The environment variable of a field of Settings."""
    return str(row.metadata.get("env") or f"VMDRIFT_{row.name.upper()}")


def env_names(row: Field[Any]) -> tuple[str, ...]:
    """It, and the variable that is read where it is not set."""
    also = row.metadata.get("also")
    return (env_name(row), *([also] if also else []))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed; durations in seconds."""

    redis_url: str = setting(
        "URL",
        "redis://127.0.0.1:6379/0",
        setting_types.redis_url,
        "The Redis server that holds queue, records and locks. The URL may hold a password, so it is never shown.",
        secret=True,
    )
    policy: str = setting(
        "auto | observe | never",
        "auto",
        setting_types.one_of("auto", "observe", "never"),
        "observe: decides and reports, but changes nothing in the cluster. never: refuses. The annotation "
        "vmdrift.io/policy on a VM or its namespace may ask for less (auto, observe, never: each does less than the "
        "one before); for more only where VMDRIFT_TENANTS_MAY lists policy.",
    )
    tenants_may: tuple[str, ...] = setting(
        "none, or some of detach, policy, order, separated by commas",
        (),
        setting_types.some_of(*TENANTS_MAY),
        "What annotations on a VM or its namespace may ask for beyond these settings; one that asks for less always "
        "counts. policy: vmdrift.io/policy and vmdrift.io/require-fence override VMDRIFT_POLICY and "
        "VMDRIFT_REQUIRE_FENCE, the VM's before its namespace's. detach: vmdrift.io/detach overrides "
        "VMDRIFT_DETACH_POLICY in the same way. order: accepted for annotations that will say which VM goes first; "
        "there are none yet, so it changes nothing. An annotation that does not count is shown with the VM.",
    )
    unreachable_window: float = setting(
        "seconds",
        300.0,
        setting_types.seconds(10),
        "How long a node must have been unreachable. At least 10: Kubernetes' times are whole seconds.",
    )
    virt_handler_grace: float = setting(
        "seconds",
        180.0,
        setting_types.seconds(1),
        "How long a lost node's Lease and virt-handler heartbeat must have been watched without a change. virt-handler "
        "writes every 60 to 132 s.",
    )
    namespace: str = setting(
        "name",
        "vm-drift",
        setting_types.namespace,
        "The namespace of the ConfigMap in which people hold and cancel drifts.",
    )
    max_unreachable: str = setting(
        "share or count of nodes",
        "40%",
        setting_types.share,
        "When more nodes than this are unreachable, nothing is done: the cause is then more likely the control plane "
        "than the nodes. One lost node is never too many.",
    )
    suspect_after: float = setting(
        "seconds",
        15.0,
        setting_types.seconds(1, 300),
        "How long a node's Lease must not have changed before the node is suspected: it asks providers for proof, and "
        "changes nothing. In any case 3/8 of the Lease's leaseDurationSeconds, of which kubelets leave a quarter and "
        "up to 4 % more between two renewals; of the usual 40 that is 15 s, so less counts only where Leases are "
        "shorter. More than 40 is of no use by default, as Kubernetes notices then.",
    )
    detach_window: float = setting(
        "seconds",
        360.0,
        setting_types.seconds(10),
        "When to check for Kubernetes' forced detach: its own six minutes after the launcher pod is gone.",
    )
    detach: str = setting(
        "wait | delete",
        "wait",
        setting_types.one_of("wait", "delete"),
        "delete frees the volume at once by deleting its VolumeAttachment; that is unfenced, so it is not the default. "
        "The annotation vmdrift.io/detach on a VM or its namespace may ask for wait; for delete only where "
        "VMDRIFT_TENANTS_MAY lists detach.",
        env="VMDRIFT_DETACH_POLICY",
    )
    min_available_nodes: int = setting(
        "nodes",
        2,
        setting_types.count(1, 1000),
        "How many available nodes the cluster must have for anything to be moved. The lost node counts, so two are "
        "enough.",
    )
    shared_csi_drivers: tuple[str, ...] = setting(
        "CSI driver names, * and ? allowed, separated by commas",
        (),
        setting_types.globs("CSI driver names", "*.nfs.example"),
        "CSI drivers whose volumes can be attached to any node, besides Rook-Ceph's and HwameiStor's. Unknown means "
        "unsafe.",
    )
    allow_unfenced_rwx: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Move VMs with volumes that several nodes may write to at once even though nothing proves that the lost node "
        "has stopped. Two writers destroy a disk.",
    )
    delete_unevicted: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Also force-delete launcher pods that Kubernetes itself does not evict (tolerations, or too many nodes of a "
        "zone lost).",
    )
    start_deadline: float = setting(
        "seconds",
        1800.0,
        setting_types.seconds(60),
        "How long the new VM may take to run, once no volume blocks it, before its drift is reported as failed.",
    )
    fencing: tuple[str, ...] = setting(
        "none, or some of event, remediation, network-fence, redfish, fence-agent, metal3, separated by commas",
        (),
        setting_types.some_of(*PROVIDERS),
        "The fencing providers that may prove that a lost node is dead, in the order in which they are tried. The "
        "annotation vmdrift.io/fencing on a Node may name fewer of them for that node, but event stays. none: the "
        "documented procedure, with its windows.",
    )
    nodes_may_opt_out: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Let vmdrift.io/fencing: none on a Node keep it from being fenced; then only a person's or a system's "
        "confirmation (event, where it is named) counts. A kubelet may annotate its own Node, so this is not the "
        "default.",
    )
    fence_after: float = setting(
        "seconds",
        180.0,
        setting_types.seconds(timing.SILENCE_LEAST, 3600, "virt-handler's heartbeats are up to 132 s apart"),
        "How long a lost node's Lease and virt-handler heartbeat must not have changed before any provider but event "
        "is asked to fence it; longer where the Lease's leaseDurationSeconds is. At least 140: a living virt-handler "
        "writes every 60 to 132 s, so a shorter silence says nothing.",
    )
    fence_at: str = setting(
        "unreachable | suspicion",
        "unreachable",
        setting_types.one_of("unreachable", "suspicion"),
        "When a provider may be asked to fence a node that Kubernetes calls unreachable. unreachable: after "
        "VMDRIFT_FENCE_AFTER. suspicion: its Lease's leaseDurationSeconds after it was first suspected, if watchers on "
        "two other Ready nodes find it silent on ports that answered them before (VMDRIFT_WITNESS_PORTS). Where only "
        "the network of those ports is lost, this kills VMs that others still reach over another network.",
    )
    witness_ports: tuple[int, ...] = setting(
        "TCP ports, separated by commas",
        (10250,),
        setting_types.ports,
        "The ports of a node on which watchers try whether it answers, for VMDRIFT_FENCE_AT=suspicion: the kubelet's, "
        "and others that any living node has open, such as 22. Nothing is sent to them.",
    )
    node_name: str = setting(
        "name",
        "",
        setting_types.node_name,
        "The Node that this process runs on, by the downward API. A watcher needs it for VMDRIFT_FENCE_AT=suspicion: "
        "nobody is a witness about its own node.",
    )
    fence_bystanders: str = setting(
        "accept | refuse",
        "accept",
        setting_types.one_of("accept", "refuse"),
        "What to do where a fence would stop VMs that it does not move: vmdrift.io/policy never or observe on the VM, "
        "pinned, a local disk. accept: fence, because never means 'do not move me' and is no veto over neighbours; "
        "those VMs are named before. refuse: do not fence the node.",
    )
    dead_pods: str = setting(
        "delete | keep",
        "delete",
        setting_types.one_of("delete", "keep"),
        "What to do with another pod (a backup, an exporter) on a node whose machine is proven dead, if it keeps a "
        "volume of a released VM attached there. delete: its object is force-deleted, with its uid; whoever made it "
        "may start it again elsewhere. keep: `vmdrift taint NODE`, or a person, removes it. Without proof, or with "
        "proof for some storage only, nothing but launcher pods is ever deleted.",
    )
    max_fences: int = setting(
        "nodes",
        4,
        setting_types.count(1, 1000),
        "How many nodes may be fenced within VMDRIFT_FENCE_PERIOD, besides VMDRIFT_MAX_UNREACHABLE, which limits how "
        "many at once. Four machines that die one by one within an hour have something in common: somebody should "
        "look. The VMs of further nodes wait for the documented windows.",
    )
    fence_period: float = setting(
        "seconds",
        3600.0,
        setting_types.seconds(60, 7 * 86400),
        "The period in which VMDRIFT_MAX_FENCES counts. An hour is about what somebody on call needs to act.",
    )
    fence_control_plane: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Also fence nodes of the control plane (label node-role.kubernetes.io/control-plane or master). Two of three "
        "that are switched off take etcd with them.",
    )
    ceph_namespace: str = setting(
        "name",
        "rook-ceph",
        setting_types.namespace,
        "Where Rook's operator runs its mon and OSD pods (labels app=rook-ceph-mon, app=rook-ceph-osd). While one of "
        "their hosts is down, no other node is fenced by power: that could take everybody's storage down.",
    )
    fence_deadline: float = setting(
        "seconds",
        300.0,
        setting_types.seconds(10, 3600),
        "How long a provider may take to fence a node, before the next one is asked.",
    )
    taint_timeout: float = setting(
        "seconds",
        600.0,
        setting_types.seconds(30, 86400),
        "How long a node that is Ready again keeps the taint that `vmdrift taint` asked for at most: then it goes, "
        "with a warning, even if some of the node's old pods and VolumeAttachments are left. Nothing can run there "
        "before.",
    )
    require_fence: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Move no VM without proof that its node is dead. The annotation vmdrift.io/require-fence: true on a VM, its "
        "namespace or a StorageClass asks for the same; false on a VM or its namespace exempts it only where "
        "VMDRIFT_TENANTS_MAY lists policy, and never from what its StorageClass asks for.",
    )
    remediation_template: str = setting(
        "GROUP/VERSION/PLURAL/NAMESPACE/NAME",
        "",
        setting_types.template,
        "The medik8s template of the remediation that the provider remediation asks for.",
    )
    accept_assumed_proof: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Is it enough for you that a SelfNodeRemediation says that it has succeeded? It verifies nothing: it assumes "
        "that the node's own agent has rebooted it by then (docs/fencing.md). Without this the provider remediation "
        "takes no template of that kind.",
    )
    bmc_dir: str = setting(
        "path",
        "",
        str,
        "A folder with one file NODE.json per node, for the provider redfish: how its BMC is reached, and the "
        "credentials (docs/fencing.md). A mounted Secret; read again at each use.",
    )
    fence_agent_dir: str = setting(
        "path",
        "",
        str,
        "A folder with one file NODE.json per node, for the provider fence-agent: which ClusterLabs agent can switch "
        "it off, and that agent's options (docs/fencing.md). A mounted Secret; read again at each use.",
    )
    metal3_namespace: str = setting(
        "name",
        "",
        setting_types.namespace,
        "The one namespace in which the provider metal3 trusts BareMetalHosts: anybody can create one in a namespace "
        "of theirs. On OpenShift openshift-machine-api.",
    )
    csi_addons_namespaces: tuple[tuple[str, str], ...] = setting(
        "DRIVER=NAMESPACE, separated by commas",
        (),
        setting_types.pairs("CSI drivers and namespaces as DRIVER=NAMESPACE", "rbd.csi.ceph.com=ceph-csi"),
        "The namespace in which the provider network-fence trusts a driver's CSIAddonsNodes: anybody can create one in "
        "a namespace of theirs. The names of Rook's drivers (rook-ceph.rbd.csi.ceph.com) begin with their namespace, "
        "which counts where none is given here.",
    )
    same_storage: tuple[tuple[str, ...], ...] = setting(
        "clusterID=clusterID, separated by commas",
        (),
        setting_types.groups("clusterIDs of CSI drivers", "rook-ceph=rook-ceph-tenants"),
        "Which clusterIDs are one storage cluster, so that a fence of one blocks volumes of the others: RADOS "
        "namespaces and subvolume groups have IDs of their own on the same Ceph. Without it, only the same ID is the "
        "same cluster.",
    )
    resync: float = setting(
        "seconds",
        60.0,
        setting_types.seconds(1, 3600),
        "How often every open outage is reported again. Whatever was lost in between is found again within this time.",
    )
    api_timeout: float = setting(
        "seconds",
        timing.API_TIMEOUT,
        setting_types.seconds(0.1, timing.API_TIMEOUT_MOST),
        "For one API call. Well below the 8 s after which a silent worker's job is given to another worker.",
    )
    kube_context: str = setting(
        "name",
        "",
        str,
        "The context of KUBECONFIG that is used instead of its current one; the option --context sets it. Not in a "
        "pod, which has its own cluster.",
    )
    history_ttl: float = setting(
        "seconds",
        604800.0,
        setting_types.seconds(60, 365 * 86400),
        "How long ended drifts stay in Redis for people to read.",
    )
    audit_every: float = setting(
        "seconds, or 0",
        0.0,
        setting_types.zero_or(setting_types.seconds(300)),
        "How often the role `audit` judges which VMs would not survive the loss of nodes, as `vmdrift audit` does. 0: "
        "it does not run; the component k8s/components/audit sets 3600. It reads the whole cluster each time, and then "
        "rests at least three times as long as that took.",
    )

    heartbeat_file: str = setting(
        "path",
        "",
        str,
        "The file to which a role without HTTP writes every second that it is alive; `vmdrift probe` reads it. One per "
        "process.",
    )
    listen: str = setting(
        "address:port",
        "127.0.0.1:8080",
        setting_types.address,
        "Where events of other systems are received. An address other than loopback needs somebody who may post, or "
        "VMDRIFT_INSECURE_NO_AUTH.",
    )
    probes: str = setting(
        "address:port",
        "",
        setting_types.address,
        "A second address that answers /healthz and /readyz, and nothing else, with connections and threads of its "
        "own. For Kubernetes' probes; nobody else needs to reach it.",
    )
    web_processes: int = setting("processes", 2, setting_types.count(1, 64), "How many processes receive events.")
    insecure_no_auth: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Accept events from anybody who can reach the address. For a test bed only.",
    )
    rq_actions: bool = setting(
        "true | false",
        False,
        setting_types.truth,
        "Also let those who may act on the page requeue and delete jobs in /rq. The receiver's Redis user needs ~rq:* "
        "for that.",
    )
    tokens_file: str = setting(
        "path",
        "",
        str,
        "A JSON file that names who may post, and what, and who may see the page (docs/cloudevents.md). Read again "
        "when it changes. The role `intake` needs it too, where senders may prove a node dead.",
    )
    oidc_issuer: str = setting(
        "URL",
        "",
        setting_types.web_url,
        "The issuer whose JWTs are trusted, besides the tokens of the file: for Knative's sender identity.",
    )
    oidc_audience: str = setting("text", "", str, "The audience that those JWTs must have.")
    login_url: str = setting(
        "URL",
        "",
        setting_types.web_url,
        "Where people log in to the page otherwise than with a token: the login page links to it. For a proxy that "
        "passes their JWT on (docs/security.md).",
    )
    oidc_ca_file: str = setting(
        "path",
        "",
        str,
        "The certificate authority of the issuer, instead of the system's. For Kubernetes as the issuer: the "
        "ServiceAccount's ca.crt.",
    )
    oidc_token_file: str = setting(
        "path",
        "",
        str,
        "A file with the bearer token for requesting the issuer's keys, read again each time. Kubernetes gives its "
        "keys to ServiceAccounts only.",
    )
    alert_node_label: str = setting(
        "label", "node", str, "The label of an Alertmanager alert that names the lost node."
    )
    max_backlog: int = setting(
        "jobs",
        10000,
        setting_types.count(1, 10000000),
        "When this many posts wait to be processed, further ones are asked to come later.",
    )
    sender_rate: int = setting(
        "events per minute", 6000, setting_types.count(1, 10000000), "How many events one sender may post in a minute."
    )
    sender_bytes: int = setting(
        "bytes per hour",
        8388608,
        setting_types.count(1024, 999999999),
        "How much of Redis' memory the receipts of one sender's events may take, which are kept for VMDRIFT_DEDUP_TTL: "
        "500 to 900 bytes each, so some 10,000 events an hour, and half of a Redis of 384 MB in a day. In any case a "
        "quarter of Redis' memory is kept for drifts.",
    )
    dedup_ttl: float = setting(
        "seconds",
        86400.0,
        setting_types.seconds(60),
        "How long an event is remembered by source and id: sent again, it changes nothing.",
    )
    webhook_origins: tuple[str, ...] = setting(
        "DNS names, * and ? allowed, separated by commas",
        (),
        setting_types.globs("DNS names", "*.example.com"),
        "The origins that are allowed to deliver, when asked by an OPTIONS request of the Web Hook specification.",
    )
    sink: str = setting(
        "URL",
        "",
        setting_types.sink_url,
        "Where events about drifts are delivered, by POST. The URL may hold a token, so it is never shown.",
        also="K_SINK",
        secret=True,
    )
    sink_overrides: tuple[tuple[str, str], ...] = setting(
        "JSON",
        (),
        setting_types.overrides,
        'Extensions that every delivered event gets: {"extensions": {"name": "text"}}. Knative\'s SinkBinding sets it.',
        env="K_CE_OVERRIDES",
    )
    sink_token_file: str = setting(
        "path", "", str, "A file with the bearer token that the sink asks for. Read again at each delivery."
    )
    sink_ca_certs: str = setting(
        "PEM",
        "",
        str,
        "Certificates of authorities that are trusted besides the system's. Knative's SinkBinding sets it.",
        env="K_CA_CERTS",
    )
    sink_give_up: float = setting(
        "seconds",
        86400.0,
        setting_types.seconds(1),
        "How long an event that cannot be delivered is tried again, before it becomes a dead letter.",
    )

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        """From environment variables; SettingsError names every malformed one."""
        settings, wrong = cls.read_what_can_be(env)
        if wrong:
            raise SettingsError("; ".join(wrong.values()))
        return settings

    @classmethod
    def read_what_can_be(cls, env: Mapping[str, str]) -> tuple[Self, Mapping[str, str]]:
        """The settings, with the default in place of each malformed one, and by variable what is wrong with it."""
        values, wrong = {}, {}
        for row in fields(cls):
            text = next((text for name in env_names(row) if (text := env.get(name, ""))), "")
            if not text:
                continue
            try:
                values[row.name] = row.metadata["parse"](text)
            except ValueError as error:
                displayed = "the given value" if row.metadata.get("secret") else repr(text[:60])
                wrong[env_name(row)] = f"{env_name(row)}: {displayed} is not {error}"
        return cls(**values), wrong

    @classmethod
    def unknown(cls, env: Mapping[str, str]) -> list[str]:
        """Variables that look like settings and are none, or no longer."""
        setting_names = {name for row in fields(cls) for name in env_names(row)}
        return sorted(name for name in env if name.startswith("VMDRIFT_") and name not in setting_names)

    def to_policy(self) -> Policy:
        """The settings on which decisions depend."""
        return Policy(
            mode=self.policy,
            **{row.name: getattr(self, row.name) for row in fields(Policy) if row.name != "mode"},
        )

    def to_windows(self) -> Windows:
        """How long a drift waits, as people are shown it."""
        return Windows(self.unreachable_window, self.detach_window)


def deaf_after(settings: Settings) -> float:
    """After so many seconds without hearing from the API server watchers count as deaf: twice their longest wait.

    Each reports after a resync when it last heard from it; in a quiet cluster that is a bookmark about once a minute.
    """
    return 2 * (settings.resync + 60.0)
