"""Objects of the cluster, changed on their way to the product and to nobody else, in virtual time."""

import orjson

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.model.drift import Policy
from reactor.model.identity import VmRef
from reactor.model.intervention import HOLD, Intervention, vm_target
from rehearsal.twins.cluster import ApiCluster
from simulator.api.watching import Change, Watch
from simulator.audit import Request
from simulator.client import Obj
from simulator.scene import Scene, Storage, Vm, staged
from simulator.store.paging import Listing
from simulator.world import World
from tests.fuzz.noise import Noise
from tests.support.virtual import Play

LOST, _OURS = "node-a", "system:serviceaccount:vm-drift:"
_VMS = (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("odd", Storage.RBD_BLOCK, "tenant", LOST))
_SCENE = Scene((LOST, "node-b", "node-c"), _VMS)
# Of the VM "odd": what is spoilt of it costs "db" nothing. And of everybody: that may keep every VM where it is.
_ODDS = (
    "pods",
    "virtualmachines",
    "virtualmachineinstances",
    "persistentvolumeclaims",
    "persistentvolumes",
    "volumeattachments",
    "namespaces",
)
_EVERYBODYS = ("nodes", "leases", "configmaps")
_KEPT = (("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid"), ("metadata", "resourceVersion"))
_DONE = (("completed", "running-elsewhere"),)
_PATIENCE = 1500.0  # seconds
_POLICIES = (Policy(), Policy(detach="delete"), Policy(fencing=("event",)))


class Spoiling:
    """Shows the product, and nobody else, some objects of one kind otherwise than they are, while it is `on`."""

    def __init__(self, noise: Noise, resource: str, world: World) -> None:
        self.on, self.shown = False, dict[str, Obj]()
        self._noise, self.resource = noise, resource
        self._get, self._list, self._watch = world.api.get, world.api.list, world.api.watch
        vars(world.api).update(get=self._got, list=self._listed, watch=self._watched)

    def _got(self, request: Request) -> Obj:
        return self.seen(request, self._get(request))

    def _listed(self, request: Request, *words: str, limit: int = 0, token: str = "", **more: str) -> Listing:
        found = self._list(request, *words, limit=limit, token=token, **more)
        return Listing([self.seen(request, obj) for obj in found.items], found.version, found.token)

    def _watched(self, request: Request, *words: str, since: int = 0) -> Watch:
        watch = self._watch(request, *words, since=since)
        poll = watch.poll

        def polled() -> list[Change]:
            return [(kind, self.seen(request, obj)) for kind, obj in poll()]

        vars(watch).update(poll=polled)
        return watch

    def seen(self, request: Request, obj: Obj) -> Obj:
        """As whoever asks is shown it; the same each time."""
        if not self.on or not request.user.startswith(_OURS) or request.resource != self.resource:
            return obj
        if self.resource in _ODDS and not _is_odds(obj):
            return obj
        name = obj["metadata"]["name"]
        if name not in self.shown:
            self.shown[name] = self._otherwise(obj)
        return self.shown[name]

    def _otherwise(self, obj: Obj) -> Obj:
        """A ConfigMap of ours keeps the form that the API server sees to: JSON as text, by key."""
        if self.resource != "configmaps":
            return self._noise.spoilt(obj, fields=6, keep=_KEPT)  # type: ignore[no-any-return]
        data = {key: self._noise.document(orjson.loads(text)) for key, text in obj["data"].items()}
        return {**obj, "data": {key: text.decode(errors="replace") for key, text in data.items()}}


def _is_odds(obj: Obj) -> bool:
    parts = (obj["metadata"]["name"], obj["metadata"].get("namespace"), obj.get("spec", {}).get("source"))
    return "odd" in str(parts) or "tenant" in str(parts)


def once(noise: Noise) -> str:
    """One outage, with one kind of object spoilt for a while. What it did, for the counts; raises what went wrong."""
    resource, policy = noise.one((*_ODDS, *_EVERYBODYS)), noise.one(_POLICIES)
    world = staged(_SCENE)
    spoiling = Spoiling(noise, resource, world)
    play = Play.on(world, _SCENE.vms, policy)
    try:
        _lived(play, spoiling, noise)
    except Exception as error:
        error.add_note(f"{resource} as shown: {orjson.dumps(spoiling.shown).decode()}")
        raise
    return f"objects ({resource})"


def _lived(play: Play, spoiling: Spoiling, noise: Noise) -> None:
    _wished(play)
    odds = ("odd", *_attachments(play.world))  # who hides what uses their disk harms themselves
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(noise.uniform(0, 400))
    if play.reactor.policy.fencing:
        play.confirm(LOST)
    spoiling.on = True
    play.world.run_for(noise.uniform(30, 600))
    others = spoiling.resource in _ODDS
    if others:
        assert play.until("db", *_DONE, limit=_PATIENCE), f"db does not move: {play.story('db')}"
    spoiling.on = False
    _changed(play.world)
    play.world.run_for(60)
    assert play.until("db", *_DONE, limit=_PATIENCE), f"db does not move afterwards: {play.story('db')}"
    assert [line for line in play.auditor.wrong if not any(name in line for name in odds)] == []
    play.auditor.wrong.clear()
    play.check()


def _changed(world: World) -> None:
    """Whoever follows the nodes is told of what they are shown otherwise now."""
    for name in _SCENE.nodes:
        world.api.client("system:admin").patch(
            "nodes", name, {"metadata": {"annotations": {"example.com/is": "sound"}}}
        )


def _attachments(world: World) -> list[str]:
    every = world.api.list(Request("system:admin", "list", "volumeattachments")).items
    return [obj["metadata"]["name"] for obj in every if _is_odds(obj)]


def _wished(play: Play) -> None:
    """The interventions' ConfigMap is there, and has nothing to do with these VMs."""
    wishes = InterventionsConfigMap(ApiCluster(play.world.api, "kubectl"), "vm-drift", play.world.clock)
    wishes.write(Intervention(HOLD, vm_target(VmRef("default", "mail", "")), "ann", "maintenance", play.world.now))
