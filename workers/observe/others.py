"""What else is read before a VM is judged: claims that others name, the expanded template, neighbours."""

from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Record
from reactor.model.names import is_name
from reactor.model.objects import Obj
from workers.decide.observation import Neighbour, Observation, VmiView, VmView, Volume, Witness
from workers.decide.placement.lost import lost_launchers
from workers.decide.placement.neighbours import looks_around, namespaces
from workers.decide.placement.next_instance import keeps_state, next_instance, unclear
from workers.decide.placement.next_launcher import PlacementNeeds
from workers.observe.cache import Surroundings
from workers.observe.instance_types import expand


def neighbours(cluster: Cluster, needs: PlacementNeeds, cache: Surroundings) -> tuple[Neighbour, ...]:
    """Of the VM's namespace at least those that keep others away; all of them where the VM has rules of its own."""
    wanted = sorted(filter(is_name, namespaces(needs)))
    read = cache.neighbours if looks_around(needs) else cache.repelling
    return tuple(pod for namespace in wanted for pod in read(cluster, namespace))


def expansion(cluster: Cluster, observation: Observation, record: Record) -> Obj | None:
    """Only read where the lost instance does not show it."""
    ref = record.drift.vm
    if observation.vm is None or not unclear(observation.vm, observation.vmi):
        return None
    return expand(cluster, ref.name, ref.namespace, observation.vm)


def witness(observation: Observation, record: Record) -> Witness:
    """Who names claims besides the VM's template."""
    vm, vmi = observation.vm, observation.vmi
    if vm is None:
        return Witness()
    claims = {claim for pod in lost_launchers(observation, record) if not pod.hotplug for claim in pod.claims}
    spec = next_instance(vm, vmi, observation.expanded).spec
    state = keeps_state(spec) or vm.tracked or bool(vmi and vmi.tracked)
    return Witness(vmi.volumes if vmi else (), tuple(sorted(claims.union(vmi.claims if vmi else ()))), state)


def owned(volume: Volume, new: VmiView | None, vm: VmView | None) -> Volume:
    """A volume of an instance that this VM does not own is not named by the VM."""
    ours = new is None or vm is None or new.owner == vm.uid
    return replace(volume, named=volume.named and ours)
