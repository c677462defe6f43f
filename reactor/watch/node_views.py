"""Views of thousands of Nodes at once: a text that many of them bear is in memory once."""

from collections.abc import ItemsView, Iterator, Mapping
from dataclasses import replace
from sys import intern

from reactor.model.node import NodeView, node_view
from reactor.model.objects import Obj, texts


class Labels(Mapping[str, str]):
    """Labels that are seldom looked up: 16 bytes each. A dict, with texts of its own, takes ten times as much.

    A node of a KubeVirt cluster has more than a hundred (features of its CPU), nearly all as its neighbours have them.
    """

    __slots__ = ("_flat",)

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._flat = tuple(intern(text) for pair in labels.items() for text in pair)

    def __getitem__(self, key: str) -> str:
        return self._dict()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._flat[::2])

    def __len__(self) -> int:
        return len(self._flat) // 2

    def items(self) -> ItemsView[str, str]:
        """As a dict's."""
        return self._dict().items()

    def _dict(self) -> dict[str, str]:
        return dict(zip(self._flat[::2], self._flat[1::2], strict=True))


def thrifty_view(obj: Obj) -> NodeView:
    """From a v1 Node, as `node_view`."""
    node = node_view(obj)
    labels = Labels(texts(obj, "metadata", "labels"))
    return replace(node, name=intern(node.name), ready=intern(node.ready), labels=labels)
