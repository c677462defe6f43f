"""The fencing provider `metal3`: Metal3's operator switches off the host that a Node runs on.

Facts from metal3-io/baremetal-operator, `internal/controller/metal3.io/baremetalhost_controller.go`: an annotation
reboot.metal3.io/NAME is its writer's own; while any is there the operator keeps the host off, and switches it on again
without. Mode "hard" cuts the power, soft asks the system first, for up to three minutes. `status.poweredOn` is what
Ironic read last, looked up every 60 s and at each change of the host, and written only when it changes: it has no time
of its own, so that it reads false says neither since when nor that anybody looked since. What proves something is the
*change*: it read true in the very version of the object into which our annotation was written, and reads false since.
A host that reads false already is not asked for anything: no true would ever be seen of it, and it would only be kept
off. (While `spec.online` is true its operator is switching it on again: then the order is given after that.)
"""

from contextlib import suppress

from reactor.model.errors import Conflict, FenceError
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import BOOT_ANNOTATION, OUTAGE_ANNOTATION, ProviderStatus, State, Target
from reactor.model.objects import JsonObject, part, text
from workers.fencing.providers.bare_metal_hosts import HOSTS, check_unshared, host_of, hosts_in, obstacle, title
from workers.fencing.providers.marks import marked
from workers.fencing.providers.provider import GRANT, FencingCluster, lacking
from workers.observe.cache import listed

REBOOT = "reboot.metal3.io/vm-drift"  # ours alone; others have names of their own
_HARD = '{"mode":"hard"}'
_TRIES = 3  # its operator may write to it at the same time


class Metal3:
    """A Provider. `namespace`: as in VMDRIFT_METAL3_NAMESPACE."""

    name = "metal3"

    def __init__(self, cluster: FencingCluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace

    def fence(self, target: Target) -> None:
        """Have it switched off, if it reads on: our annotation is written into that very version of the object."""
        for _ in range(_TRIES):
            host = self._bound(target)
            if _asked(host, target):
                return
            self._check(host, target)
            patch = {"metadata": {"annotations": {**target.marks, REBOOT: _HARD}}}
            with suppress(Conflict):
                self._cluster.change(HOSTS, host, patch)
                return
        raise FenceError(f"{title(host)} was changed by somebody else each time: nothing is asked of it now.")

    def status(self, target: Target) -> ProviderStatus:
        """FENCED once it reads off, of a host that read on when it was asked."""
        host = self._host(target)
        if host is None or not marked(host, target):
            return ProviderStatus(State.ABSENT, _unasked(host, target))
        if why := _objection(host):
            return ProviderStatus(State.FAILED, why, by=title(host), ours=True)
        if part(host, "status").get("poweredOn") is not False:
            return ProviderStatus(State.WORKING, f"{title(host)} is to be switched off.", by=title(host), ours=True)
        return _fenced(host, target)

    def release(self, target: Target) -> ProviderStatus:
        """Take our annotation away, so that its operator may switch it on again. ABSENT: none of ours is left."""
        try:
            for host in self._marked(target):
                names = [*target.marks, REBOOT]
                self._cluster.change(HOSTS, host, {"metadata": {"annotations": dict.fromkeys(names)}})
        except Conflict:
            return ProviderStatus(State.WORKING, "Our annotation of its BareMetalHost is being taken away.", ours=True)
        return ProviderStatus(State.ABSENT, "No annotation of ours is left on a BareMetalHost.")

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled:  # noqa: ARG002 - as every provider
        """Is its host known, healthy and on, and may we annotate it? Not even a dry run: it would be a power cut."""
        host = self._bound(target)
        if why := obstacle(host):
            return Drilled(False, why, f"See to {title(host)}: its operator must act on it, and it must be in use.")
        self._check(host, target)
        if why := lacking(self._cluster, HOSTS, "patch", namespace=self._namespace):
            return Drilled(False, f"metal3 cannot ask for anything: {why}.", GRANT)
        return Drilled(True, f"{title(host)} is its host, reads on, and may be annotated.")

    def credentials(self, target: Target) -> str:  # noqa: ARG002 - as every provider
        """It logs in nowhere."""
        return ""

    def _marked(self, target: Target) -> list[JsonObject]:
        """Wherever it is by now: a Node may be gone, and a host used by another one."""
        return [host for host in hosts_in(self._cluster, self._namespace) if marked(host, target)]

    def _bound(self, target: Target) -> JsonObject:
        """The host that this very incarnation of the Node names, if no other one does."""
        node = self._node(target)
        if node is None:
            raise FenceError(f"Node {target.node.name} is gone, so its BareMetalHost is not known.")
        host = host_of(self._cluster, node, self._namespace)
        check_unshared(host, target.node.name, listed(self._cluster, "nodes"))
        return host

    def _host(self, target: Target) -> JsonObject | None:
        """That of the Node; of one that is gone the one that was switched off for it."""
        if node := self._node(target):
            return host_of(self._cluster, node, self._namespace)
        return next(iter(self._marked(target)), None)

    def _node(self, target: Target) -> JsonObject | None:
        node = self._cluster.find("nodes", target.node.name)
        return node if node and node["metadata"]["uid"] == target.node.uid else None

    def _check(self, host: JsonObject, target: Target) -> None:
        """FenceError where it is not to be asked for anything."""
        annotations, status = part(host, "metadata", "annotations"), part(host, "status")
        if why := obstacle(host):
            raise FenceError(f"{why} Nothing is asked of it.")
        if REBOOT in annotations and BOOT_ANNOTATION not in annotations:
            raise FenceError(f"{title(host)} has {REBOOT}, and not by us: it is not changed.")
        if status.get("poweredOn") is not True:
            raise FenceError(f"{_reads(host, target)} Nothing is asked of it.")


def _asked(host: JsonObject, target: Target) -> bool:
    return marked(host, target) and REBOOT in part(host, "metadata", "annotations")


def _objection(host: JsonObject) -> str:
    """Why this host, which we asked for, is or will be no proof."""
    if text(host, "metadata", "annotations", REBOOT) != _HARD:
        return f"{REBOOT} on {title(host)} was taken away or changed by somebody: it may be on again."
    return obstacle(host)


def _unasked(host: JsonObject | None, target: Target) -> str:
    if host is None:
        return f"No BareMetalHost was switched off for node {target.node.name}."
    return obstacle(host) or _reads(host, target)


def _reads(host: JsonObject, target: Target) -> str:
    """Before anything was asked for: what is read has no time."""
    powered = part(host, "status").get("poweredOn")
    word = {True: "on", False: "off"}.get(powered, "nothing") if isinstance(powered, bool) else "nothing"
    return (
        f"{title(host)} of node {target.node.name} reads {word}. That says not when, so it proves nothing: proof is "
        "that it reads off after it was on and we had it switched off."
    )


def _fenced(host: JsonObject, target: Target) -> ProviderStatus:
    """The same reading is no newer than it was, so a sign of life after it makes it worth nothing."""
    sentence = (
        f"{title(host)} read on when its power was ordered off, and reads off since. It is kept off until "
        f"`vmdrift unfence {target.node.name}`."
    )
    order = text(host, "metadata", "annotations", OUTAGE_ANNOTATION)
    evidence = f"{host['metadata']['uid']} {order} {target.boot}"
    return ProviderStatus(State.FENCED, sentence, by=title(host), ours=True, evidence=evidence)
