"""The fencing provider `remediation`: a medik8s operator powers the node off, as a template of its own says.

The contract (medik8s, node-healthcheck-operator): a remediation is made from `spec.template.spec` of a template, in its
namespace; its name, or the annotation remediation.medik8s.io/node-name, names the node; the condition Succeeded says
that it is done; who made it deletes it when the node is well again. Checked against fence-agents-remediation's
`internal/controller/fenceagentsremediation_controller.go`. In the template's namespace one that a health check made is
evidence, and left alone; whatever else there is, and wherever, is neither trusted nor obeyed nor deleted: anybody can
make one in a namespace of theirs.
"""

from collections.abc import Mapping
from typing import Any

from reactor.model.errors import Conflict, FenceError, NotFound, NotServed
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import BOOT_ANNOTATION, ProviderStatus, State, Target
from reactor.model.objects import JsonObject, moment, part, parts, text
from workers.fencing.providers.marks import marked
from workers.fencing.providers.provider import GRANT, FencingCluster, lacking
from workers.observe.cache import listed

NODE_NAME = "remediation.medik8s.io/node-name"
_TEMPLATES = "templates"
_ASSUMING, _ASSUMED = "selfnoderemediationtemplates", "SelfNodeRemediation"
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


def assumes(template: str) -> bool:
    """Is what this template is for a remediation that verifies nothing?

    SelfNodeRemediation (medik8s, self-node-remediation) waits for as long as a node's own agent may take to reboot it.
    """
    return f"/{_ASSUMING}/" in template


class Remediation:
    """A Provider. `template`: as in VMDRIFT_REMEDIATION_TEMPLATE."""

    name = "remediation"

    def __init__(self, cluster: FencingCluster, template: str) -> None:
        self._cluster, self._path = cluster, template
        self._templates, self._resource = kinds(template)
        _, self._namespace, self._template = template.rsplit("/", 2)

    def fence(self, target: Target) -> None:
        """Make one for this boot, unless there is one for this node."""
        for remediation in self._all(target):
            if marked(remediation, target):
                return
            if not _ours(remediation):
                raise FenceError(f"{_title(remediation)} is a health check's, and no second one is made beside it.")
            self._delete(remediation)  # of a boot that has ended
        template = self._find_template()
        try:
            self._cluster.create(self._resource, _made(template, target), self._namespace)
        except Conflict as error:
            sentence = f"A remediation of node {target.node.name} is still being deleted, or belongs to somebody else"
            raise FenceError(f"{sentence}: {error}.") from error

    def status(self, target: Target) -> ProviderStatus:
        """By the condition Succeeded of what was made for this boot, or since its outage began."""
        remediations = self._all(target)
        for remediation in [remediation for remediation in remediations if _is_of(remediation, target)]:
            if "deletionTimestamp" not in remediation["metadata"]:
                return _status_of(remediation, ours=marked(remediation, target))
        names = [_title(remediation) for remediation in remediations]
        sentence = f"{', '.join(names)} says nothing of this boot" if names else "No remediation was asked for"
        return ProviderStatus(
            State.ABSENT, f"{sentence}.", ours=any(marked(remediation, target) for remediation in remediations)
        )

    def release(self, target: Target) -> ProviderStatus:
        """Delete what we made for this boot; its operator takes back what it changed."""
        ours = [remediation for remediation in self._all(target) if marked(remediation, target)]
        for remediation in ours:
            self._delete(remediation)
        names = [_title(remediation) for remediation in self._all(target) if marked(remediation, target)]
        if names:
            return ProviderStatus(State.WORKING, f"{', '.join(names)} is being deleted.", ours=True)
        return ProviderStatus(State.ABSENT, "No remediation of ours is left.")

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled:  # noqa: ARG002 - as every provider
        """Is its template there, and may we make and delete what it is a template for?"""
        self._find_template()
        self._all(target)
        if why := lacking(self._cluster, self._resource, "create", "delete"):
            return Drilled(False, f"remediation cannot ask for anything: {why}.", GRANT)
        return Drilled(True, f"Its template {self._path} is there, and remediations of it may be made.")

    def credentials(self, target: Target) -> str:  # noqa: ARG002 - as every provider
        """It logs in nowhere."""
        return ""

    def _all(self, target: Target) -> list[JsonObject]:
        """Every remediation of a node of this name that is ours or a health check's, in the template's namespace."""
        try:
            remediations = listed(self._cluster, self._resource, namespace=self._namespace)
        except (NotServed, NotFound) as error:
            raise FenceError(f"VMDRIFT_REMEDIATION_TEMPLATE: {self._resource} is not installed: {error}.") from error
        return [
            remediation
            for remediation in remediations
            if _node_of(remediation) == target.node.name and (_ours(remediation) or _of_health_check(remediation))
        ]

    def _find_template(self) -> JsonObject:
        obj = self._cluster.find(self._templates, self._template, self._namespace)
        if obj is None:
            raise FenceError(f"VMDRIFT_REMEDIATION_TEMPLATE: there is no {self._path}; create it, or name another one.")
        return obj

    def _delete(self, remediation: JsonObject) -> None:
        meta = remediation["metadata"]
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


def _annotations(remediation: JsonObject) -> Mapping[str, str]:
    return remediation["metadata"].get("annotations") or {}


def _ours(remediation: JsonObject) -> bool:
    return BOOT_ANNOTATION in _annotations(remediation)


def _of_health_check(remediation: JsonObject) -> bool:
    owners = remediation["metadata"].get("ownerReferences") or ()
    owner_kinds = {(str(owner.get("apiVersion")).partition("/")[0], owner.get("kind")) for owner in owners}
    return not owner_kinds.isdisjoint(_HEALTH_CHECKS)


def _node_of(remediation: JsonObject) -> str:
    return _annotations(remediation).get(NODE_NAME) or str(remediation["metadata"]["name"])


def _is_of(remediation: JsonObject, target: Target) -> bool:
    """Is it for this boot? Ours by its marks; somebody else's by its times, none from before the outage."""
    if _ours(remediation):
        return marked(remediation, target)
    done = _condition(remediation, "Succeeded")
    made = moment(remediation, "metadata", "creationTimestamp")
    times = [made or 0.0, moment(done, "lastTransitionTime") if done.get("status") == "True" else None]
    return all(time >= target.outage.since for time in times if time is not None)


def _status_of(remediation: JsonObject, *, ours: bool) -> ProviderStatus:
    done, name = _condition(remediation, "Succeeded"), _title(remediation)
    if done.get("status") == "True":
        evidence = f"{remediation['metadata']['uid']} {done.get('lastTransitionTime', '')}"
        assumed = "; that the node was rebooted is assumed, not verified" if remediation.get("kind") == _ASSUMED else ""
        sentence = f"{name} has succeeded{_details(done)}{assumed}."
        return ProviderStatus(State.FENCED, sentence, by=name, ours=ours, evidence=evidence)
    if done.get("status") == "False":
        return ProviderStatus(State.FAILED, f"{name} has failed{_details(done)}.", ours=ours)
    return ProviderStatus(State.WORKING, f"{name} is under way.", ours=ours)


def _condition(remediation: JsonObject, kind: str) -> Mapping[str, Any]:
    conditions = (
        condition for condition in parts(remediation, "status", "conditions") if text(condition, "type") == kind
    )
    return next(conditions, {})


def _details(condition: Mapping[str, Any]) -> str:
    words = f"{condition.get('reason') or ''} {condition.get('message') or ''}".strip()
    return f" ({words[:200]})" if words else ""


def _title(remediation: JsonObject) -> str:
    meta = remediation["metadata"]
    return f"{remediation.get('kind', 'remediation')} {meta['namespace']}/{meta['name']}"
