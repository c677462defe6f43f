"""The fencing provider `remediation`: a medik8s operator powers the node off, as a template of its own says.

The contract (medik8s, node-healthcheck-operator): a remediation is made from `spec.template.spec` of a template, in its
namespace; its name, or the annotation remediation.medik8s.io/node-name, names the node; the condition Succeeded says
that it is done; who made it deletes it when the node is well again. Checked against fence-agents-remediation's
`internal/controller/fenceagentsremediation_controller.go`. In the template's namespace one that a health check made is
evidence, and left alone; whatever else there is, and wherever, is neither believed nor obeyed nor deleted: anybody can
make one in a namespace of theirs.
"""

from collections.abc import Mapping
from typing import Any

from reactor.model.errors import Conflict, FenceError, NotFound, NotServed
from reactor.model.fencing import BOOT_ANNOTATION, ProviderStatus, State, Target
from reactor.model.objects import JsonObject, moment, part, parts, text
from workers.fencing.providers.marks import marked
from workers.fencing.providers.provider import FencingCluster
from workers.observe.cache import listed

NODE_NAME = "remediation.medik8s.io/node-name"
_TEMPLATES = "templates"
_HEALTH_CHECKS = frozenset(
    {
        ("remediation.medik8s.io", "NodeHealthCheck"),
        ("machine.openshift.io", "MachineHealthCheck"),
        ("cluster.x-k8s.io", "MachineHealthCheck"),
    }
)


def kinds(template: str) -> tuple[str, str]:
    """(templates, remediations), each as "group/version/plural", of what VMDRIFT_REMEDIATION_TEMPLATE says."""
    templates, _, _ = template.rsplit("/", 2)
    return templates, f"{templates.removesuffix(_TEMPLATES)}s"


class Remediation:
    """A Provider. `template`: as in VMDRIFT_REMEDIATION_TEMPLATE."""

    name = "remediation"

    def __init__(self, cluster: FencingCluster, template: str) -> None:
        self._cluster, self._said = cluster, template
        self._templates, self._resource = kinds(template)
        _, self._namespace, self._template = template.rsplit("/", 2)

    def fence(self, target: Target) -> None:
        """Make one for this boot, unless there is one for this node."""
        for known in self._all(target):
            if marked(known, target):
                return
            if not _ours(known):
                raise FenceError(f"{_named(known)} is a health check's, and no second one is made beside it.")
            self._delete(known)  # of a boot that has ended
        template = self._found_template()
        try:
            self._cluster.create(self._resource, _made(template, target), self._namespace)
        except Conflict as error:
            told = f"A remediation of node {target.node.name} is still on its way out, or somebody else's"
            raise FenceError(f"{told}: {error}.") from error

    def status(self, target: Target) -> ProviderStatus:
        """By the condition Succeeded of what was made for this boot, or since its outage began."""
        found = self._all(target)
        for one in [one for one in found if _is_of(one, target)]:
            if "deletionTimestamp" not in one["metadata"]:
                return _standing(one, ours=marked(one, target))
        stale = [_named(one) for one in found]
        told = f"{', '.join(stale)} says nothing of this boot" if stale else "No remediation was asked for"
        return ProviderStatus(State.ABSENT, f"{told}.", ours=any(marked(one, target) for one in found))

    def release(self, target: Target) -> ProviderStatus:
        """Delete what we made for this boot; its operator takes back what it changed."""
        mine = [one for one in self._all(target) if marked(one, target)]
        for one in mine:
            self._delete(one)
        left = [_named(one) for one in self._all(target) if marked(one, target)]
        if left:
            return ProviderStatus(State.WORKING, f"{', '.join(left)} is being deleted.", ours=True)
        return ProviderStatus(State.ABSENT, "No remediation of ours is left.")

    def _all(self, target: Target) -> list[JsonObject]:
        """Every remediation of a node of this name that is ours or a health check's, in the template's namespace."""
        try:
            found = listed(self._cluster, self._resource, namespace=self._namespace)
        except (NotServed, NotFound) as error:
            raise FenceError(f"VMDRIFT_REMEDIATION_TEMPLATE: {self._resource} is not installed: {error}.") from error
        return [one for one in found if _node_of(one) == target.node.name and (_ours(one) or _of_health_check(one))]

    def _found_template(self) -> JsonObject:
        found = self._cluster.find(self._templates, self._template, self._namespace)
        if found is None:
            raise FenceError(f"VMDRIFT_REMEDIATION_TEMPLATE: there is no {self._said}; create it, or name another one.")
        return found

    def _delete(self, one: JsonObject) -> None:
        meta = one["metadata"]
        if "deletionTimestamp" not in meta:
            self._cluster.delete(self._resource, meta["name"], meta["namespace"], uid=meta["uid"])


def _made(template: JsonObject, target: Target) -> JsonObject:
    kind = str(template["kind"]).removesuffix("Template")
    name, inner = target.node.name, part(template, "spec", "template", "spec")
    return {
        "apiVersion": template["apiVersion"],
        "kind": kind,
        "metadata": {"name": name, "annotations": {**target.marks, NODE_NAME: name}},
        "spec": dict(inner),
    }


def _annotations(one: JsonObject) -> Mapping[str, str]:
    return one["metadata"].get("annotations") or {}


def _ours(one: JsonObject) -> bool:
    return BOOT_ANNOTATION in _annotations(one)


def _of_health_check(one: JsonObject) -> bool:
    owners = one["metadata"].get("ownerReferences") or ()
    kinds_of = {(str(owner.get("apiVersion")).partition("/")[0], owner.get("kind")) for owner in owners}
    return not kinds_of.isdisjoint(_HEALTH_CHECKS)


def _node_of(one: JsonObject) -> str:
    return _annotations(one).get(NODE_NAME) or str(one["metadata"]["name"])


def _is_of(one: JsonObject, target: Target) -> bool:
    """For this boot by our own marks; of somebody else's, by its time: it was made for what we see, too."""
    if _ours(one):
        return marked(one, target)
    done = _condition(one, "Succeeded")
    made = moment(one, "metadata", "creationTimestamp")
    times = [made or 0.0, moment(done, "lastTransitionTime") if done.get("status") == "True" else None]
    return all(time >= target.outage.since for time in times if time is not None)


def _standing(one: JsonObject, *, ours: bool) -> ProviderStatus:
    done, what = _condition(one, "Succeeded"), _named(one)
    if done.get("status") == "True":
        evidence = f"{one['metadata']['uid']} {done.get('lastTransitionTime', '')}"
        told = f"{what} has succeeded{_said(done)}."
        return ProviderStatus(State.FENCED, told, by=what, ours=ours, evidence=evidence)
    if done.get("status") == "False":
        return ProviderStatus(State.FAILED, f"{what} has failed{_said(done)}.", ours=ours)
    return ProviderStatus(State.WORKING, f"{what} is under way.", ours=ours)


def _condition(one: JsonObject, kind: str) -> Mapping[str, Any]:
    found = (condition for condition in parts(one, "status", "conditions") if text(condition, "type") == kind)
    return next(found, {})


def _said(condition: Mapping[str, Any]) -> str:
    words = f"{condition.get('reason') or ''} {condition.get('message') or ''}".strip()
    return f" ({words[:200]})" if words else ""


def _named(one: JsonObject) -> str:
    meta = one["metadata"]
    return f"{one.get('kind', 'remediation')} {meta['namespace']}/{meta['name']}"
