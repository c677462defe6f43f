"""The selectors, affinity and tolerations of the next launcher pod. Pure.

The best evidence is the lost launcher: its spec holds what KubeVirt, admission and the namespace added. What only a
migration's target gets is left out, and what edits of the VM since then changed is laid over it. Without that pod
KubeVirt's rules are followed from the template alone (`workers.decide.placement.selectors`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reactor.model.objects import Obj, part, parts, text
from workers.decide.observation import Observation, PodView, VmiView, VmView
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
from workers.decide.remembered import remembered

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

    `added`: keys of its node selector that are not in the VM's template. `doubts` bind as long as some node has them
    all. `limits` are never judged, only named: each completes "it moves, if ...".
    """

    spec: Obj = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    added: frozenset[str] = frozenset()
    doubts: tuple[UncertainSelectors, ...] = ()
    limits: tuple[str, ...] = ()


def next_launcher(observation: Observation, namespace: str, pods: Iterable[PodView]) -> PlacementNeeds:
    """Of the observed VM. `pods`: the lost instance's launcher pods, with their hotplug attachment pods."""
    if observation.vm is None:
        return PlacementNeeds()
    lost_instance = observation.vmi if observation.vmi and observation.vmi.spec else None
    pod = next((pod for pod in pods if not pod.hotplug and pod.spec), None)
    needs = _needs(observation.vm, lost_instance, observation.expanded, pod, observation.namespace)
    return replace(needs, namespace=namespace)


@remembered  # a pass asks twice: when it reads its neighbours, and when it decides
def _needs(
    vm: VmView, lost: VmiView | None, expanded: Obj | None, pod: PodView | None, annotations: Mapping[str, str]
) -> PlacementNeeds:
    new = next_instance(vm, lost, expanded)
    old = lost.spec if lost else new.spec
    needs = _by_lost_pod(pod, old, new, annotations) if pod else _by_rules(new, annotations)
    labels = _labels(pod, lost.labels if lost else {}) | dict(vm.labels)
    limits = (*needs.limits, *_limits(needs.spec), *filter(None, [new.unknown]))
    added = frozenset(part(needs.spec, "nodeSelector").keys() - part(vm.template, "nodeSelector").keys())
    return replace(needs, labels=labels, added=added, limits=limits)


def _by_rules(new: Instance, annotations: Mapping[str, str]) -> PlacementNeeds:
    """What KubeVirt and OpenShift make of the instance's spec alone."""
    selector = {**derived(new.spec), **_annotated(annotations, OPENSHIFT)}
    doubts = [
        UncertainSelectors(gated(new.assumed), "this KubeVirt asks for no node by machine type or Hyper-V features"),
        UncertainSelectors(_annotated(annotations, PLUGIN), f"the namespace's {PLUGIN} binds no pod"),
    ]
    conditions = ("a node has the TSC frequency that KubeVirt picks",) if counts_time(new.spec) else ()
    spec = {name: new.spec[name] for name in (*_LISTS, "schedulerName") if new.spec.get(name)}
    spec |= {"nodeSelector": selector, "affinity": with_rejects(new.spec)}
    return PlacementNeeds(spec, doubts=_still_open(selector, [*doubts, _guessed(new)]), limits=conditions)


def _by_lost_pod(pod: PodView, old: Obj, new: Instance, annotations: Mapping[str, str]) -> PlacementNeeds:
    """The lost launcher's own spec, with what edits since then changed."""
    pod_selector = part(pod.spec, "nodeSelector")
    before, after = rendered(old, pod_selector), rendered(new.spec, pod_selector)
    same = {key: value for key, value in before.items() if pod_selector.get(key) == value == after.get(key)}
    fresh = {key: value for key, value in after.items() if _is_migration_target(pod) or before.get(key) != value}
    others, uncertain = _extra(
        pod, before, {**after, **_annotated(annotations, OPENSHIFT), **_annotated(annotations, PLUGIN)}
    )
    selector = {**others, **same, **fresh}
    tsc = {key: value for key, value in pod_selector.items() if key.startswith(TSC) and counts_time(new.spec)}
    doubts = [
        UncertainSelectors(uncertain, "only a migration asked for that node selector"),
        UncertainSelectors(tsc, "KubeVirt picks another TSC frequency for it"),
        UncertainSelectors(_annotated(annotations, OPENSHIFT), f"the namespace's {OPENSHIFT} binds no pod"),
        UncertainSelectors(
            _without(gated(new.spec), gated(old)), "this KubeVirt asks for no node by machine type or Hyper-V features"
        ),
        _guessed(new),
    ]
    lists = {name: _edited_list(name, pod.spec, old, new.spec) for name in _LISTS}
    spec = {**lists, "nodeSelector": selector, "affinity": _affinity(pod, old, new.spec)}
    spec["schedulerName"] = text(new.spec, "schedulerName") or _DEFAULT_SCHEDULER
    return PlacementNeeds(spec, doubts=_still_open(selector, doubts))


def _extra(pod: PodView, before: Mapping[str, str], known: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Its selectors that KubeVirt did not derive from the instance: those that bind the next one, and those that may.

    Admission and the KubeVirt resource ask for them again; `addedNodeSelector` of a migration does not.
    """
    excluded = (TSC, *OF_A_MIGRATION) if _is_migration_target(pod) else (TSC, MIGRATED)
    own = {key: value for key, value in part(pod.spec, "nodeSelector").items() if not key.startswith(excluded)}
    extra = {key: value for key, value in own.items() if before.get(key) != value}
    if not _is_migration_target(pod):
        return extra, {}
    certain = {key: value for key, value in extra.items() if known.get(key) == value}
    return certain, _without(extra, certain)


def _affinity(pod: PodView, old: Obj, new: Obj) -> Obj:
    """Its affinity, with node rules as they are rendered now, where they changed or a migration added some."""
    own, fresh = part(pod.spec, "affinity"), with_rejects(new)
    if old is not new and part(old, "affinity") != part(new, "affinity"):
        return fresh
    nodes = part(fresh if _is_migration_target(pod) or with_rejects(old) != fresh else own, "nodeAffinity")
    anti_affinity = part(own, "podAntiAffinity")
    terms = [term for term in parts(anti_affinity, REQUIRED) if not _is_migration_term(term)]
    return {**own, "nodeAffinity": nodes, "podAntiAffinity": {**anti_affinity, REQUIRED: terms}}


def _edited_list(name: str, own: Obj, old: Obj, new: Obj) -> list[Obj]:
    """The pod's items, with those that an edit added in front, without those that an edit removed."""
    before, after = parts(old, name), parts(new, name)
    removed, added = [item for item in before if item not in after], [item for item in after if item not in before]
    return added + [item for item in parts(own, name) if item not in removed]


def _guessed(new: Instance) -> UncertainSelectors:
    assumed = _without(derived(new.assumed), derived(new.spec))
    return UncertainSelectors(assumed, "what KubeVirt takes where the template says nothing is different now")


def _still_open(selector: Mapping[str, str], doubts: Iterable[UncertainSelectors]) -> tuple[UncertainSelectors, ...]:
    """Those that ask for something that is not asked for anyway."""
    remaining = [replace(doubt, selectors=_without(doubt.selectors, selector)) for doubt in doubts]
    return tuple(doubt for doubt in remaining if doubt.selectors)


def _labels(pod: PodView | None, instance_labels: Mapping[str, str]) -> dict[str, str]:
    """Those that KubeVirt and admission gave it; what the instance had comes from the template again."""
    excluded = {*_OF_ONE_POD, *instance_labels}
    return (
        {key: value for key, value in pod.labels.items() if key not in excluded}
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


def _is_migration_target(pod: PodView) -> bool:
    """Is it a migration's target?"""
    selector, anti_affinity = part(pod.spec, "nodeSelector"), part(pod.spec, "affinity", "podAntiAffinity")
    return (
        _JOB in pod.labels
        or any(key.startswith(MIGRATED) for key in selector)
        or any(_is_migration_term(term) for term in parts(anti_affinity, REQUIRED))
    )


def _is_migration_term(term: Obj) -> bool:
    return _CREATED_BY in part(term, "labelSelector", "matchLabels")


def _without(selectors: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in selectors.items() if known.get(key) != value}


def _annotated(annotations: Mapping[str, str], name: str) -> dict[str, str]:
    """A node selector as it is written into an annotation: `a=b,c=d`."""
    pairs = (pair.partition("=") for pair in annotations.get(name, "").split(","))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals and key.strip()}
