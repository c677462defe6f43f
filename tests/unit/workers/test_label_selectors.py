"""Which objects of a list a label selector means."""

import pytest

from workers.observe.label_selectors import has, requirements


@pytest.mark.parametrize(
    ("labels", "meant"),
    [({"a": "b", "c": "e"}, True), ({"a": "b"}, False), ({"a": "x", "c": "d"}, False), (None, False)],
)
def test_an_object_is_meant_that_has_all_that_is_asked_for(labels: dict[str, str] | None, meant: bool) -> None:
    assert has({"metadata": {"labels": labels}}, requirements("a=b,c in (d,e)")) is meant
