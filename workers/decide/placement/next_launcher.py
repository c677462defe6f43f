"""What the next launcher pod will bear of selectors, affinity and tolerations. Pure.

The best witness is the lost launcher: its spec holds what KubeVirt, admission and the namespace added. Less what only a
migration's target gets, and with the difference laid over it that an edit of the VM since then makes. Without a witness
KubeVirt's rules are followed from the template alone (`workers.decide.placement.selectors`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reactor.model.objects import Obj, part, parts, text
from workers.decide.observation import Observation, PodView
from workers.decide.placement.next_instance import Instance, next_instance
from workers.decide.placement.selectors import (
    MIGRATED,
    OF_A_MIGRATION,
    REQUIRED,
    TSC,
    counts_time,
    derived,
    gated,
    rendered,
    with_rejects,
)

OPENSHIFT, PLUGIN = "openshift.io/node-selector", "scheduler.alpha.kubernetes.io/node-selector"
_CREATED_BY = "kubevirt.io/created-by"
_JOB = "kubevirt.io/migrationJobUID"
_OF_ONE_POD = frozenset({_CREATED_BY, _JOB, "kubevirt.io/migrationName", "kubevirt.io/nodeName"})
_LISTS = ("tolerations", "topologySpreadConstraints", "resourceClaims")
_DEFAULT_SCHEDULER = "default-scheduler"


@dataclass(frozen=True, slots=True)
class UncertainSelectors:
    """Node selectors that may bind the next launcher or not; they do not, if `sentence`."""

    selectors: Mapping[str, str]
    sentence: str


@dataclass(frozen=True, slots=True)
class PlacementNeeds:
    """What decides where a pod may run: fields of a pod's spec, its labels and namespace.

    `added`: keys of its node selector that do not stand in the VM's template. `doubts` bind as long as some node bears
    them all. `limits` are never judged, only named: each completes "it moves, if ...".
    """

    spec: Obj = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    added: frozenset[str] = frozenset()
    doubts: tuple[UncertainSelectors, ...] = ()
    limits: tuple[str, ...] = ()


def next_launcher(seen: Observation, namespace: str, pods: Iterable[PodView]) -> PlacementNeeds:
    """Of the VM that is seen. `pods`: the lost instance's launcher pods, with their hotplug attachment pods."""
    if seen.vm is None:
        return PlacementNeeds()
    lost = seen.vmi if seen.vmi and seen.vmi.spec else None
    new = next_instance(seen.vm, lost, seen.expanded)
    pod = next((pod for pod in pods if not pod.hotplug and pod.spec), None)
    old = lost.spec if lost else new.spec
    bears = _laid_over(pod, old, new, seen.namespace) if pod else _bare(new, seen.namespace)
    labels = _labels(pod, lost.labels if lost else {}) | dict(seen.vm.labels)
    limits = (*bears.limits, *_limits(bears.spec), *filter(None, [new.unknown]))
    added = frozenset(part(bears.spec, "nodeSelector").keys() - part(seen.vm.template, "nodeSelector").keys())
    return replace(bears, labels=labels, namespace=namespace, added=added, limits=limits)


def _bare(new: Instance, annotations: Mapping[str, str]) -> PlacementNeeds:
    """What KubeVirt and OpenShift make of the instance's spec alone."""
    selector = {**derived(new.spec), **_pairs(annotations, OPENSHIFT)}
    doubts = [
        UncertainSelectors(gated(new.assumed), "this KubeVirt asks for no node by machine type or Hyper-V features"),
        UncertainSelectors(_pairs(annotations, PLUGIN), f"the namespace's {PLUGIN} binds no pod"),
    ]
    timed = ("a node has the TSC frequency that KubeVirt picks",) if counts_time(new.spec) else ()
    spec = {name: new.spec[name] for name in (*_LISTS, "schedulerName") if new.spec.get(name)}
    spec |= {"nodeSelector": selector, "affinity": with_rejects(new.spec)}
    return PlacementNeeds(spec, doubts=_open(selector, [*doubts, _guessed(new)]), limits=timed)


def _laid_over(pod: PodView, old: Obj, new: Instance, annotations: Mapping[str, str]) -> PlacementNeeds:
    """The lost launcher's own spec, with the difference that edits since then make."""
    own = part(pod.spec, "nodeSelector")
    before, after = rendered(old, own), rendered(new.spec, own)
    same = {key: value for key, value in before.items() if own.get(key) == value == after.get(key)}
    fresh = {key: value for key, value in after.items() if _migrated(pod) or before.get(key) != value}
    others, uncertain = _others(pod, before, {**after, **_pairs(annotations, OPENSHIFT), **_pairs(annotations, PLUGIN)})
    selector = {**others, **same, **fresh}
    time = {key: value for key, value in own.items() if key.startswith(TSC) and counts_time(new.spec)}
    doubts = [
        UncertainSelectors(uncertain, "only a migration asked for that node selector"),
        UncertainSelectors(time, "KubeVirt picks another TSC frequency for it"),
        UncertainSelectors(_pairs(annotations, OPENSHIFT), f"the namespace's {OPENSHIFT} binds no pod"),
        UncertainSelectors(
            _new(gated(new.spec), gated(old)), "this KubeVirt asks for no node by machine type or Hyper-V features"
        ),
        _guessed(new),
    ]
    lists = {name: _listed(name, pod.spec, old, new.spec) for name in _LISTS}
    spec = {**lists, "nodeSelector": selector, "affinity": _affinity(pod, old, new.spec)}
    spec["schedulerName"] = text(new.spec, "schedulerName") or _DEFAULT_SCHEDULER
    return PlacementNeeds(spec, doubts=_open(selector, doubts))


def _others(pod: PodView, before: Mapping[str, str], named: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Its selectors that KubeVirt did not derive from the instance: those that bind the next one, and those that may.

    Admission and the KubeVirt resource ask for them again; `addedNodeSelector` of a migration does not.
    """
    apart = (TSC, *OF_A_MIGRATION) if _migrated(pod) else (TSC, MIGRATED)
    own = {key: value for key, value in part(pod.spec, "nodeSelector").items() if not key.startswith(apart)}
    found = {key: value for key, value in own.items() if before.get(key) != value}
    if not _migrated(pod):
        return found, {}
    sure = {key: value for key, value in found.items() if named.get(key) == value}
    return sure, _new(found, sure)


def _affinity(pod: PodView, old: Obj, new: Obj) -> Obj:
    """With its rules of nodes as they are rendered now, where they changed or a migration added some."""
    own, fresh = part(pod.spec, "affinity"), with_rejects(new)
    if old is not new and part(old, "affinity") != part(new, "affinity"):
        return fresh
    nodes = part(fresh if _migrated(pod) or with_rejects(old) != fresh else own, "nodeAffinity")
    apart = part(own, "podAntiAffinity")
    terms = [term for term in parts(apart, REQUIRED) if not _of_a_migration(term)]
    return {**own, "nodeAffinity": nodes, "podAntiAffinity": {**apart, REQUIRED: terms}}


def _listed(name: str, own: Obj, old: Obj, new: Obj) -> list[Obj]:
    """The pod's, with those that came by an edit in front, without those that went by one."""
    before, after = parts(old, name), parts(new, name)
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    return come + [one for one in parts(own, name) if one not in gone]


def _guessed(new: Instance) -> UncertainSelectors:
    assumed = _new(derived(new.assumed), derived(new.spec))
    return UncertainSelectors(assumed, "what KubeVirt takes where the template says nothing is different now")


def _open(selector: Mapping[str, str], doubts: Iterable[UncertainSelectors]) -> tuple[UncertainSelectors, ...]:
    """Those that ask for something that is not asked for anyway."""
    remaining = [replace(doubt, selectors=_new(doubt.selectors, selector)) for doubt in doubts]
    return tuple(doubt for doubt in remaining if doubt.selectors)


def _labels(pod: PodView | None, of_the_lost: Mapping[str, str]) -> dict[str, str]:
    """Those that KubeVirt and admission gave it; what the instance had comes from the template again."""
    apart = {*_OF_ONE_POD, *of_the_lost}
    return (
        {key: value for key, value in pod.labels.items() if key not in apart}
        if pod
        else {"kubevirt.io": "virt-launcher"}
    )


def _limits(spec: Obj) -> list[str]:
    """What no rule here covers."""
    scheduler = text(spec, "schedulerName")
    limits = (
        [] if scheduler in {"", _DEFAULT_SCHEDULER} else [f"scheduler {scheduler} places it as Kubernetes' own would"]
    )
    claims = [text(claim, "name") for claim in parts(spec, "resourceClaims")]
    return limits + ([f"its resource claims ({', '.join(claims)}) can be met there"] if claims else [])


def _migrated(pod: PodView) -> bool:
    """Is it a migration's target?"""
    selector, apart = part(pod.spec, "nodeSelector"), part(pod.spec, "affinity", "podAntiAffinity")
    return (
        _JOB in pod.labels
        or any(key.startswith(MIGRATED) for key in selector)
        or any(_of_a_migration(term) for term in parts(apart, REQUIRED))
    )


def _of_a_migration(term: Obj) -> bool:
    return _CREATED_BY in part(term, "labelSelector", "matchLabels")


def _new(found: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in found.items() if known.get(key) != value}


def _pairs(annotations: Mapping[str, str], name: str) -> dict[str, str]:
    """A node selector as it is written into an annotation: `a=b,c=d`."""
    pairs = (one.partition("=") for one in annotations.get(name, "").split(","))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals and key.strip()}
