"""What people type is checked before anything starts, and completed without ever keeping the shell waiting."""

from threading import Event

import pytest

from reactor.model.errors import BadInput
from reactor.model.intervention import lasting, target_of
from vmdrift.cli.arguments import target, vm
from vmdrift.cli.completion import names


@pytest.mark.parametrize(
    ("text", "found"),
    [("all", "all"), ("worker-1", "node/worker-1"), ("n1.example.com", "node/n1.example.com"), ("a/b.c", "vm/a/b.c")],
)
def test_a_target_is_a_node_a_vm_or_all(text: str, found: str) -> None:
    assert target_of(text) == found
    assert target(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Shop/web",
        "shop/",
        "/web",
        "a/b/c",
        "-a",
        "a b",
        "ALL",
        "a.b/c",
        "node/x/",
        "a..b",
        "x" * 254,
        f"{'n' * 64}/c",
        "shop/a..b",
    ],
)
def test_what_is_no_name_is_no_target(text: str) -> None:
    with pytest.raises(BadInput, match="is not a node's name, a VM"):
        target(text)


@pytest.mark.parametrize("text", ["worker-2", "all", "Shop/web", "a/b/c", "a.b/c", "shop/a..b"])
def test_what_has_no_namespace_is_no_vm(text: str) -> None:
    with pytest.raises(ValueError, match="is not a VM as NAMESPACE/NAME"):
        vm(text)


@pytest.mark.parametrize(("text", "found"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1h30m", 5400)])
def test_a_time_has_a_unit(text: str, found: float) -> None:
    assert lasting(text) == found


@pytest.mark.parametrize("text", ["", "30", "0m", "-1m", "soon", "1 h", "m", "1e3s", "99999h"])
def test_what_has_no_unit_or_is_nothing_is_no_time(text: str) -> None:
    with pytest.raises(BadInput, match=r"invalid duration .*; use 90s, 30m, 2h or 1d"):
        lasting(text)


@pytest.mark.timeout(30)
def test_names_that_do_not_come_in_time_are_not_waited_for() -> None:
    never = Event()

    def read() -> tuple[list[str], list[str]]:
        never.wait()
        return ["node-a"], []

    assert names(0.01, read) == ([], [])
    never.set()


def test_names_that_cannot_be_read_are_none() -> None:
    def read() -> tuple[list[str], list[str]]:
        raise RuntimeError

    assert names(30, read) == ([], [])
    assert names(30, lambda: (["node-a"], ["shop/web"])) == (["node-a"], ["shop/web"])
