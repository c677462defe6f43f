"""The attach-detach controller's desired state: which volumes pods want on which nodes."""

from collections import defaultdict

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.store.objects import Key, key_of

Place = tuple[str, str]  # PersistentVolume's name, node


class Wanted:
    """Every pod with a node that is not finished wants its CSI volumes there; one that is Terminating still does.

    `changed`: the places where that has changed; whoever looks at them empties it.
    """

    def __init__(self, client: Client) -> None:
        self._pods = client.informer("pods")
        self._claims = client.informer("persistentvolumeclaims")
        self._volumes = client.informer("persistentvolumes")
        self._drivers = client.informer("csidrivers")
        self._of_pod: dict[Key, set[Place]] = {}
        self.places: dict[Place, set[Key]] = defaultdict(set)
        self.changed: set[Place] = set()

    def poll(self) -> None:
        """Take in what changed; every pod is looked at again when claims, volumes or drivers did."""
        moved = [change for informer in (self._claims, self._volumes, self._drivers) for change in informer.poll()]
        changed = {key_of(pod) for _, pod in self._pods.poll()}
        for key in changed | (set(self._pods.objects) if moved else set()):
            self._place(key, self._pods.objects.get(key))

    def pods(self, place: Place) -> list[Obj]:
        """The pods that want a volume on a node, by name."""
        return [self._pods.objects[key] for key in sorted(self.places.get(place, ()))]

    def volume(self, name: str) -> Obj:
        """A PersistentVolume by name."""
        return self._volumes.objects["", name]

    def unique(self, name: str) -> str | None:
        """The volume's name in a node's status, None when it is gone or not CSI."""
        volume = self._volumes.objects.get(("", name))
        return objects.unique_volume(volume) if volume else None

    def _place(self, key: Key, pod: Obj | None) -> None:
        for place in self._of_pod.pop(key, ()):
            self.changed.add(place)
            self.places[place].discard(key)
            if not self.places[place]:
                del self.places[place]
        node = pod["spec"].get("nodeName") if pod else None
        if pod is None or not node or pod["status"]["phase"] in objects.FINISHED:
            return
        self._of_pod[key] = {(name, node) for name in self._attachable(pod)}
        self.changed |= self._of_pod[key]
        for place in self._of_pod[key]:
            self.places[place].add(key)

    def _attachable(self, pod: Obj) -> set[str]:
        names = set()
        for key in objects.claims(pod):
            volume = objects.volume_of(self._claims.objects.get(key), self._volumes.objects)
            if volume and (csi := volume["spec"].get("csi")):
                driver = self._drivers.objects.get(("", csi["driver"]), {})
                if driver.get("spec", {}).get("attachRequired", True):
                    names.add(volume["metadata"]["name"])
        return names
