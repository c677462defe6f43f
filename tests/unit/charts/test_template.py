"""How a template says in what several builds of one object differ."""

from typing import Any

import pytest

from charts.template import MISSING, Quoted, Template

TEMPLATE = Template({"a": ".A", "b": ".B"})


def made(plain: Any, **others: Any) -> list[str]:
    return TEMPLATE.of({"": plain, **others}).splitlines()


def test_what_is_the_same_everywhere_stands_there_as_it_is() -> None:
    obj = {"kind": "X", "list": [1, {"x": 2}]}
    assert made(obj, a=obj, b=obj) == ["kind: X", "list:", "- 1", "- x: 2"]


def test_an_object_of_one_build_is_asked_for_with_its_comment() -> None:
    text = TEMPLATE.of({"": MISSING, "a": {"kind": "X"}, "b": MISSING}, "# why\n")
    assert text.splitlines() == ["{{- if .A }}", "# why", "kind: X", "{{- end }}"]


def test_a_comment_stands_above_what_is_always_there() -> None:
    assert TEMPLATE.of({"": {"kind": "X"}}, "# why\n") == "# why\nkind: X\n"


def test_an_object_that_is_gone_in_some_builds_is_there_in_the_others() -> None:
    assert made({"kind": "X"}, a=MISSING) == ["{{- if not .A }}", "kind: X", "{{- end }}"]
    both = made({"kind": "X"}, a=MISSING, b=MISSING)
    assert both == ["{{- if not (or .A .B) }}", "kind: X", "{{- end }}"]


def test_keys_are_added_removed_and_changed_where_they_stand() -> None:
    plain = {"spec": {"kept": 1, "gone": 2, "other": "x"}}
    changed = {"spec": {"kept": 1, "other": "y", "new": [3]}}
    assert made(plain, a=changed) == [
        "spec:",
        "  kept: 1",
        "  {{- if not .A }}",
        "  gone: 2",
        "  {{- end }}",
        "  {{- if .A }}",
        "  other: y",
        "  {{- else }}",
        "  other: x",
        "  {{- end }}",
        "  {{- if .A }}",
        "  new:",
        "  - 3",
        "  {{- end }}",
    ]


def test_what_two_builds_change_at_one_place_is_asked_for_one_after_the_other() -> None:
    assert made({"x": 1}, a={"x": 2}, b={"x": 3})[:4] == ["{{- if .A }}", "x: 2", "{{- else if .B }}", "x: 3"]


def test_lists_of_as_many_items_differ_within_them() -> None:
    lines = made({"items": [{"name": "one", "n": 1}, "two"]}, a={"items": [{"name": "one", "n": 2}, "two"]})
    assert lines == [
        "items:",
        "- name: one",
        "  {{- if .A }}",
        "  n: 2",
        "  {{- else }}",
        "  n: 1",
        "  {{- end }}",
        "- two",
    ]


def test_items_that_builds_add_or_leave_out_keep_their_places() -> None:
    lines = made({"items": [1, 2, 3]}, a={"items": [0, 1, 2, 3, 4]}, b={"items": [9, 1, 3]})
    assert lines == [
        "items:",
        *("{{- if .B }}", "- 9", "{{- end }}"),
        *("{{- if .A }}", "- 0", "{{- end }}"),
        "- 1",
        *("{{- if not .B }}", "- 2", "{{- end }}"),
        "- 3",
        *("{{- if .A }}", "- 4", "{{- end }}"),
    ]


@pytest.mark.parametrize("other", [[], [2, 3]])
def test_lists_with_nothing_in_common_are_the_one_or_the_other_and_never_nothing(other: list[int]) -> None:
    lines = made({"items": [1]}, a={"items": other})
    assert lines[0] == "{{- if .A }}"
    assert lines[-3:] == ["items:", "- 1", "{{- end }}"]


def test_texts_of_several_lines_stay_readable_and_others_are_quoted_where_they_must_be() -> None:
    assert made({"a": "one\n\ntwo\n", "b": "yes", "c": Quoted("x")}) == [
        "a: |",
        "  one",
        "",
        "  two",
        "b: 'yes'",
        'c: "x"',
    ]
