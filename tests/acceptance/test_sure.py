"""Somebody cancels on a terminal: they are asked why, and whether they are sure; nobody else is ever asked."""

from collections.abc import Mapping

from tests.acceptance.terminal import Terminal

CANCEL = ("vmdrift", "cancel", "shop/web")
ENV: Mapping[str, str] = {"KUBECONFIG": "/nowhere"}  # whoever is sure gets as far as that


def test_who_is_not_sure_has_done_nothing() -> None:
    terminal = Terminal(CANCEL, ENV)
    terminal.shows("Why is shop/web to stay down")
    terminal.types("a new one is there")
    terminal.shows("It stays down until `vmdrift retry shop/web` [y/N]")
    terminal.types("n")
    assert terminal.ends() == 1
    assert "Nothing was done." in terminal.text
    assert "/nowhere" not in terminal.text


def test_return_alone_is_not_a_yes_and_no_reason_is_none() -> None:
    terminal = Terminal(CANCEL, ENV)
    terminal.shows("Why is shop/web to stay down")
    terminal.types("")
    terminal.types("new")
    terminal.shows("[y/N]")
    terminal.types("")
    assert terminal.ends() == 1


def test_who_is_sure_goes_on() -> None:
    terminal = Terminal(CANCEL, ENV)
    terminal.shows("Why is shop/web to stay down")
    terminal.types("new")
    terminal.shows("[y/N]")
    terminal.types("y")
    assert terminal.ends() == 2
    assert "/nowhere" in terminal.text


def test_who_gives_a_reason_is_not_asked() -> None:
    terminal = Terminal((*CANCEL, "--why", "new"), ENV)
    assert terminal.ends() == 2
    assert "[y/N]" not in terminal.text
