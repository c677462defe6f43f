"""Which objects of a list a label selector means."""

from typing import Any

import pytest

from workers.observe.label_selectors import has, labels_of, requirements


@pytest.mark.parametrize("labels", ["now", None, 7, ["a"], {"a": ["b"]}, {"a": {"b": "c"}}])
def test_what_is_no_label_is_none_and_breaks_nothing(labels: Any) -> None:
    obj = {"metadata": {"labels": labels}}
    assert labels_of(obj) == {}
    assert not has(obj, requirements("a=b,c in (d,e)"))


def test_an_object_has_what_is_asked_for() -> None:
    assert has({"metadata": {"labels": {"a": "b", "c": "e"}}}, requirements("a=b,c in (d,e)"))
