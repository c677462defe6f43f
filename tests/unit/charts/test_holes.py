"""What is left open in an object, and what asks for it in the template."""

from typing import Any

import pytest

from charts.holes import Holes
from charts.template import Template


def filled(obj: dict[str, Any]) -> str:
    holes = Holes()
    return holes.fill(Template({}).of({"": holes.opened(obj)}))


def test_the_same_question_is_the_same_hole_in_every_build() -> None:
    holes = Holes()
    obj = {"kind": "Role", "metadata": {"name": "x", "namespace": "vm-drift"}}
    assert holes.opened(obj) == holes.opened(obj)
    assert holes.inline("{{ .x }}") != holes.inline("{{ .y }}")


def test_an_object_is_opened_in_a_copy() -> None:
    obj = {"kind": "Namespace", "metadata": {"name": "vm-drift"}}
    assert filled(obj) == "kind: Namespace\nmetadata:\n  name: {{ .Release.Namespace }}\n"
    assert obj["metadata"] == {"name": "vm-drift"}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("system:serviceaccount:vm-drift:drifts", "system:serviceaccount:{{ .Release.Namespace }}:drifts"),
        ("redis.vm-drift.svc:6379", "redis.{{ .Release.Namespace }}.svc:6379"),
        ("vm-drift", "vm-drift"),
        ("/run/vm-drift/heartbeat", "/run/vm-drift/heartbeat"),
        ("vm-drift-fencing", "vm-drift-fencing"),
    ],
)
def test_the_namespace_is_the_releases_where_a_text_means_it(text: str, becomes: str) -> None:
    assert filled({"kind": "X", "it": text}) == f"kind: X\nit: {becomes}\n"


def test_what_others_fill_in_is_left_to_them_and_quoted() -> None:
    text = filled({"kind": "X", "summary": "{{ $labels.node }} is lost: {{ $value }}"})
    assert text == 'kind: X\nsummary: "{{`{{ $labels.node }}`}} is lost: {{`{{ $value }}`}}"\n'


def test_a_hole_of_several_lines_is_as_deep_as_its_key() -> None:
    holes = Holes()
    text = holes.fill(f"a:\n  b: {holes.block('.B')}\n- c: {holes.block('.C', 'named')}\n  d: {holes.optional('.D')}\n")
    assert text.splitlines() == [
        "a:",
        "  b:",
        "    {{- toYaml .B | nindent 4 }}",
        "- c:",
        '    {{- include "named" .C | nindent 4 }}',
        "  {{- with .D }}",
        "  d:",
        "    {{- toYaml . | nindent 4 }}",
        "  {{- end }}",
    ]
