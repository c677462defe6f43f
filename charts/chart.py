"""All files of the chart that are not written by hand, as they should be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charts.holes import Holes
from charts.objects import PLAIN, SWITCHES, Key, Obj, Source, builds, sources
from charts.pages import values_file, with_table
from charts.template import MISSING, Template
from charts.values import schema

CHART = Path(__file__).parent / "vm-drift"
BY_HAND = {"Chart.yaml", ".helmignore", "_helpers.tpl", "NOTES.txt"}
_HASHED = ("redis-users", "redis-start")
# Kinds that a value of their own switches off.
_ONLY_IF = {
    "Namespace": ".Values.namespace.create",
    "ValidatingAdmissionPolicy": ".Values.admission.enabled",
    "ValidatingAdmissionPolicyBinding": ".Values.admission.enabled",
}


def files() -> Mapping[str, str]:
    """By name within the chart."""
    built = builds()
    found = schema(built)
    return {
        **_templates(built),
        "values.schema.json": json.dumps(found, indent=2, ensure_ascii=False) + "\n",
        "values.yaml": values_file(found),
        "README.md": with_table((CHART / "README.md").read_text(), found),
    }


def there() -> set[str]:
    """The files that the chart has, but for those that are written by hand."""
    found = [file for file in CHART.rglob("*") if file.is_file() and file.name not in BY_HAND]
    return {str(file.relative_to(CHART)) for file in found}


def _templates(built: Mapping[str, Mapping[Key, Obj]]) -> Mapping[str, str]:
    holes, places, texts = Holes(), sources(), dict[str, str]()
    opened = {switch: {key: holes.opened(obj) for key, obj in objects.items()} for switch, objects in built.items()}
    for key in dict.fromkeys(key for objects in opened.values() for key in objects):
        variants = {switch: objects.get(key, MISSING) for switch, objects in opened.items()}
        source = places.get(key) or _generated(key, [switch for switch, obj in variants.items() if obj is not MISSING])
        name = f"templates/{source.template}"
        head = f"{{{{/* Of k8s/{source.file}: change it there, then `python -m charts`. */}}}}\n"
        texts[name] = texts.get(name, head) + _document(key, variants, source, holes)
    return texts


def _generated(key: Key, switches: list[str]) -> Source:
    """A ConfigMap that kustomize makes of files."""
    place = "base" if PLAIN in switches else switches[0]
    return Source(Path(place) / "kustomization.yaml", named=f"{key[2]}.yaml")


def _document(key: Key, variants: Mapping[str, Any], source: Source, holes: Holes) -> str:
    kind, name = key[1:]
    template, before = Template(SWITCHES), ""
    if name in _HASHED and kind == "ConfigMap":
        data = {switch: _split(obj) for switch, obj in variants.items()}
        # Not {{- end }}: the last line of a text of several has its end, too.
        text = template.of({switch: parts[0] for switch, parts in data.items()})
        before = f'{{{{- define "vm-drift.data.{name}" }}}}\n{text}{{{{ end }}}}\n'
        mark = holes.verbatim(f'{{{{- include "vm-drift.data.{name}" . }}}}')
        variants = {switch: rest if rest is MISSING else {mark: "", **rest} for switch, (_, rest) in data.items()}
    text = holes.fill(before + "---\n" + template.of(variants, source.comment))
    if condition := _ONLY_IF.get(kind):
        text = f"{{{{- if {condition} }}}}\n{text}{{{{- end }}}}\n"
    return text


def _split(obj: Any) -> tuple[Any, Any]:
    if not isinstance(obj, dict):
        return MISSING, MISSING
    return {"data": obj["data"]}, {field: value for field, value in obj.items() if field != "data"}
