"""Which fields of the objects are values of the chart: there, a template asks for the value instead.

A hole is a mark that YAML leaves alone; when the text of a template is made, what asks for the value takes its place.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from charts.objects import SINGLE, Obj
from charts.template import Quoted

NAMESPACE = "vm-drift"  # of the overlays
_MARK = re.compile(r"⟦(\d+)⟧")
# The line of a key of which the value is a hole, or that is one itself.
_LINE = re.compile(r"^( *)(- )?(?:([\w./-]+): )?⟦(\d+)⟧(?:: '')?$")
# kustomize takes these kinds for ones that live in a namespace. kubectl takes it out; a chart does not say it.
_CLUSTER_WIDE = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
_Lines = Callable[[str, str], list[str]]  # indentation, key
_API_SERVER = [{"port": 443}, {"port": 6443}]


class Holes:
    """Opens them in objects, and fills them in the text that is made of these."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # the same question is the same hole, whichever build it is in
        self._lines: list[_Lines] = []

    def inline(self, asked: str) -> str:
        """`asked` is a template's expression for one value, or for a part of a text."""
        return self._hole(f"inline {asked}", lambda indent, key: [f"{indent}{f'{key}: ' if key else ''}{asked}"])

    def verbatim(self, line: str) -> str:
        """A whole line, in place of a key."""
        return self._hole(f"verbatim {line}", lambda indent, _: [f"{indent}{line}"])

    def block(self, value: str, shown: str = "") -> str:
        """A value that is a mapping or a list. `shown`: the named template that makes YAML of it."""

        def lines(indent: str, key: str) -> list[str]:
            return [f"{indent}{key}:", f"{indent}  {{{{- {_as_yaml(value, indent, shown)} }}}}"]

        return self._hole(f"block {value}", lines)

    def optional(self, value: str, shown: str = "") -> str:
        """The same; where it is empty the key is not there."""

        def lines(indent: str, key: str) -> list[str]:
            if not key:
                inner = [f"{indent}{{{{- toYaml . | nindent {len(indent)} }}}}"]
            else:
                inner = [f"{indent}{key}:", f"{indent}  {{{{- {_as_yaml('.', indent, shown)} }}}}"]
            return [f"{indent}{{{{- with {value} }}}}", *inner, f"{indent}{{{{- end }}}}"]

        return self._hole(f"optional {value}", lines)

    def fill(self, text: str) -> str:
        """What asks for the values, in place of the marks."""
        return "".join(f"{line}\n" for old in text.splitlines() for line in self._filled(old))

    def _filled(self, line: str) -> Iterator[str]:
        if found := _LINE.match(line):
            indent, dash, key, number = found.groups()
            inner = self._lines[int(number)](indent + "  " if dash else indent, key or "")
            yield f"{indent}- {inner[0].lstrip()}" if dash else inner[0]
            yield from inner[1:]
        else:
            yield _MARK.sub(lambda mark: self._lines[int(mark[1])]("", "")[0], line)

    def _hole(self, what: str, lines: _Lines) -> str:
        if what not in self._numbers:
            self._numbers[what] = len(self._lines)
            self._lines.append(lines)
        return f"⟦{self._numbers[what]}⟧"

    def opened(self, obj: Obj) -> Obj:
        """The object with all of its holes."""
        obj = deepcopy(obj)
        if obj["kind"] in _CLUSTER_WIDE:
            del obj["metadata"]["namespace"]
        opened: Obj = self._texts(obj)
        if rule := _RULES.get(obj["kind"]):
            rule(self, opened)
        return opened

    def _texts(self, value: Any, key: str = "") -> Any:
        """The namespace, and what a template would take for its own."""
        if isinstance(value, dict):
            return {name: self._texts(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._texts(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if key == "namespace" and value == NAMESPACE:
            return self.inline("{{ .Release.Namespace }}")
        if "{{" in value:
            value = Quoted(re.sub(r"\{\{.*?\}\}", lambda found: self.inline(f"{{{{`{found[0]}`}}}}"), value))
        ours = rf"(?<=system:serviceaccount:){NAMESPACE}(?=:)|(?<=\.){NAMESPACE}(?=\.svc)"
        return type(value)(re.sub(ours, lambda _: self.inline("{{ .Release.Namespace }}"), value))


def _as_yaml(value: str, indent: str, shown: str = "") -> str:
    made = f'include "{shown}" {value}' if shown else f"toYaml {value}"
    return f"{made} | nindent {len(indent) + 2}"


def _workload(holes: Holes, obj: Obj) -> None:
    """A Deployment, a StatefulSet or a Service of Knative's: a role of vm-drift, Redis, or another's image."""
    name, spec, pod = obj["metadata"]["name"], obj["spec"], obj["spec"]["template"]["spec"]
    if "roleRef" in obj or not pod:
        return
    for volume in pod.get("volumes", []):
        _hashed(holes, volume.get("configMap", {}))
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        if container["name"] == "vm-drift":
            _role(holes, name, spec, container)
        else:
            values = {"redis": ".Values.redis.image", "dead-letters": ".Values.knative.deadLettersImage"}
            container["image"] = holes.inline(f"{{{{ {values[name]} }}}}")
    pod["imagePullSecrets"] = holes.optional(".Values.imagePullSecrets")
    if obj["kind"] != "Service":  # Knative allows it only behind a feature flag
        pod["nodeSelector"] = holes.optional(".Values.nodeSelector")


def _role(holes: Holes, name: str, spec: Obj, container: Obj) -> None:
    value = f".Values.roles.{name}"
    if name == "outgoing":
        spec["replicas"] = holes.inline('{{ include "vm-drift.outgoing" . }}')
    elif spec.get("replicas") and name not in SINGLE:
        spec["replicas"] = holes.inline(f"{{{{ {value}.replicas }}}}")
    image = ".Values.fencing.image .Values.image" if name == "fencing" else ".Values.image"
    container["image"] = holes.inline(f'{{{{ include "vm-drift.image" (list . {image}) }}}}')
    container["resources"] = holes.block(f"{value}.resources")
    annotations = spec["template"]["metadata"].setdefault("annotations", {})
    # Settings are read at start: whoever changes them with Helm means those that run.
    annotations["vm-drift.io/settings"] = holes.inline('{{ include "vm-drift.settings" . | sha256sum }}')


def _service(holes: Holes, obj: Obj) -> None:
    if "template" in obj["spec"]:
        _workload(holes, obj)


def _config_map(holes: Holes, obj: Obj) -> None:
    if obj["metadata"]["name"] == "settings":
        obj["data"] = holes.block(".", "vm-drift.settings")
    _hashed(holes, obj["metadata"])


def _hashed(holes: Holes, named: Obj) -> None:
    if named.get("name") in {"redis-users", "redis-start"}:
        named["name"] = holes.inline(f'{{{{ include "vm-drift.hashed" (list . "{named["name"]}") }}}}')


def _namespace(holes: Holes, obj: Obj) -> None:
    obj["metadata"]["name"] = holes.inline("{{ .Release.Namespace }}")


def _network(holes: Holes, obj: Obj) -> None:
    name, spec = obj["metadata"]["name"], obj["spec"]
    for way in spec.get("egress", []):
        if name == "outgoing" and "to" not in way and {"port": 443} in way["ports"]:
            way["ports"] = holes.block(".Values.network.sinkPorts", "vm-drift.ports")
        elif way.get("ports") == _API_SERVER and name != "receiver":  # which asks an issuer of tokens, too
            way["to"] = holes.optional(".Values.network.apiServer", "vm-drift.blocks")
        elif name in {"fencing-to-bmcs", "watcher-to-nodes"}:
            value = "bmcs" if name == "fencing-to-bmcs" else "nodes"
            way["to"] = holes.optional(f".Values.network.{value}", "vm-drift.blocks")
    if name in {"metrics", "keda-to-redis"}:
        ((peer,),) = [way["from"] for way in spec["ingress"]]
        value = ".Values.monitoring.namespace" if name == "metrics" else ".Values.keda.namespace"
        peer["namespaceSelector"]["matchLabels"] = {"kubernetes.io/metadata.name": holes.inline(f"{{{{ {value} }}}}")}


def _scaled(holes: Holes, obj: Obj) -> None:
    for field, value in {"minReplicaCount": "least", "maxReplicaCount": "most"}.items():
        obj["spec"][field] = holes.inline(f"{{{{ .Values.keda.{value} }}}}")


def _monitor(holes: Holes, obj: Obj) -> None:
    obj["metadata"]["labels"][holes.optional(".Values.monitoring.labels")] = ""


_RULES: dict[str, Callable[[Holes, Obj], None]] = {
    "Deployment": _workload,
    "StatefulSet": _workload,
    "Service": _service,
    "ConfigMap": _config_map,
    "Namespace": _namespace,
    "NetworkPolicy": _network,
    "ScaledObject": _scaled,
    "PodMonitor": _monitor,
    "PrometheusRule": _monitor,
}
