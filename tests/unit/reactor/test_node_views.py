"""Thrifty views of Nodes say what others say, and hold each text once."""

from collections.abc import Mapping
from gc import get_referents
from sys import getsizeof

import pytest

from reactor.model.node import node_view
from reactor.watch.node_views import Labels, thrifty_view
from tests.unit.workers.decide.recorded import TERMINATING, cluster


def test_a_thrifty_view_is_equal_to_any_other() -> None:
    nodes = cluster(TERMINATING).api.store.objects("nodes").values()
    assert [thrifty_view(node) for node in nodes] == [node_view(node) for node in nodes]


def _labels(number: int) -> Mapping[str, str]:
    """As they come out of JSON: texts of their own."""
    return {f"feature-{key}": f"value-{key}"[:] for key in range(100)} | {"hostname": f"node-{number}"}


def test_labels_are_a_mapping() -> None:
    labels = Labels(_labels(5))
    assert (labels["hostname"], len(labels), "feature-7" in labels, labels.get("none")) == ("node-5", 101, True, None)
    assert dict(labels.items()) == dict(labels) == _labels(5)
    with pytest.raises(KeyError):
        labels["none"]


def test_the_same_text_is_in_memory_once_and_a_label_takes_sixteen_bytes() -> None:
    one, other = Labels(_labels(1)), Labels(_labels(2))
    assert all(a is b for a, b in zip(one, other, strict=True))
    assert one["feature-7"] is other["feature-7"]
    (texts,) = [held for held in get_referents(one) if isinstance(held, tuple)]
    assert getsizeof(texts) < 16 * 101 + 100


def test_what_is_no_text_is_no_label() -> None:
    meta = {"name": "a", "uid": "u", "labels": {"zone": None, "rack": "r1"}}
    assert thrifty_view({"metadata": meta}).labels == {"rack": "r1"}
