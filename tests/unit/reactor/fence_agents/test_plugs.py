"""NODE.json of fence agents: what is wrong with it is told by file and field, with the fix, and never by content."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.adapters.fence_agents.options import cleaned, is_open, lines
from reactor.adapters.fence_agents.plugs import Plug, plugs_of
from reactor.model.errors import FenceError

OPTIONS = {"ip": "10.1.0.7", "password": "secret-17"}
_AGENT = {"agent": "fence_ipmilan", "options": OPTIONS}
_FEED = {"agent": "fence_apc_snmp", "options": {"ip": "10.1.0.8", "plug": 7}}


def _plugs(folder: Path, content: Any) -> tuple[Plug, ...]:
    (folder / "worker-1.json").write_bytes(orjson.dumps(content))
    return plugs_of(folder, "worker-1")


def _said(folder: Path, content: Any) -> str:
    with pytest.raises(FenceError) as caught:
        _plugs(folder, content)
    said, begin = str(caught.value), "worker-1.json in VMDRIFT_FENCE_AGENT_DIR: "
    assert "secret" not in said
    assert said.startswith(begin)
    return said.removeprefix(begin)


def _with(**options: Any) -> dict[str, Any]:
    return {"agent": "fence_ipmilan", "options": {**OPTIONS, **options}}


def test_an_agent_and_its_options_are_enough(tmp_path: Path) -> None:
    (plug,) = _plugs(tmp_path, _with(lanplus=True, ipport=623, quiet=False))
    assert (plug.agent, plug.feed, plug.name) == ("fence_ipmilan", False, "fence_ipmilan at 10.1.0.7")
    assert plug.options == {**OPTIONS, "lanplus": "1", "ipport": "623", "quiet": "0"}
    assert "secret" not in repr(plug)


def test_feeds_are_outlets_in_their_order(tmp_path: Path) -> None:
    other = {"agent": "fence_wti", "options": {"ipaddr": "10.1.0.9", "port": "B2"}}
    one, two = _plugs(tmp_path, {"feeds": [_FEED, other]})
    assert (one.name, two.name) == ("fence_apc_snmp plug 7 at 10.1.0.8", "fence_wti plug B2 at 10.1.0.9")
    assert one.feed
    assert two.feed


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([], "expected an object, {"),
        ({}, "options: expected an object of the agent's options"),
        ({"agent": "fence_ipmilan"}, "options: expected an object"),
        ({"options": OPTIONS}, "agent: expected the name of an agent such as fence_ipmilan, not a path"),
        ({**_AGENT, "uuid": "x"}, "uuid: not known here; expected"),
        ({**_AGENT, "feeds": [_FEED]}, "agent: not known here"),
        ({"feeds": []}, "feeds: expected a list of 1 to 8 objects"),
        ({"feeds": _FEED}, "feeds: expected a list of 1 to 8 objects"),
        ({"feeds": [_FEED] * 9}, "feeds: expected a list of 1 to 8 objects"),
        ({"feeds": ["fence_wti"]}, "feeds[0]: expected an object"),
        ({"feeds": [_FEED, {**_FEED, "agent": "/bin/sh"}]}, "feeds[1].agent: expected the name of an agent"),
        ({"feeds": [_FEED, {**_FEED, "option": 1}]}, "feeds[1].option: not known here"),
        ({"feeds": [_FEED, _FEED]}, "feeds: two of them are the same outlet: name each feed of the machine once"),
        ({"feeds": [_FEED, {**_FEED, "options": {"action": "on"}}]}, "feeds[1].options.'action': vm-drift alone says"),
    ],
)
def test_another_shape_is_told(tmp_path: Path, content: Any, why: str) -> None:
    assert _said(tmp_path, content).startswith(why)


@pytest.mark.parametrize(
    "name",
    [
        "", None, 7, "ipmilan", "fence_", "fence_IPMI", "/usr/sbin/fence_ipmilan", "../fence_ipmilan",
        "fence_a/../../x", "fence_ipmilan\n", "fence_ipmilan ", "fence_ipmilan;reboot", "fence-ipmilan", "fence_ä",
    ],
)  # fmt: skip
def test_an_agent_is_a_name_and_no_path(tmp_path: Path, name: Any) -> None:
    assert _said(tmp_path, {"agent": name, "options": {}}).startswith("agent: expected the name of an agent")


@pytest.mark.parametrize("name", ["fence_scsi", "fence_brocade", "fence_kdump", "fence_ack_manual", "fence_sbd"])
def test_an_agent_that_switches_no_power_proves_nothing(tmp_path: Path, name: str) -> None:
    assert f"agent: {name} does not switch the machine's power" in _said(tmp_path, {"agent": name, "options": {}})


@pytest.mark.parametrize(
    ("key", "why"),
    [
        *((key, "vm-drift alone says") for key in ("action", "Action", "ACTION", "option", "o", "help", "version")),
        *(
            (key, "it would run a program")
            for key in (
                "password_script", "passwd_script", "password-script", "snmp_priv_passwd_script", "Passwd_Script",
                "ssh_path", "ipmitool_path", "sudo-path", "ssh_options",
            )
        ),
        *((key, "it writes passwords down") for key in ("debug", "debug_file", "debug-file", "verbose")),
        ("plug_separator", "expected one outlet"),
        *((key, "expected an option's name") for key in ("", "a b", "a=b", "a\nb", " a", "-a", "#a", "ä", "7")),
        ("a" * 65, "expected an option's name"),
    ],
)  # fmt: skip
def test_an_option_that_is_not_the_files_to_give_is_refused(tmp_path: Path, key: str, why: str) -> None:
    said = _said(tmp_path, _with(**{key: "x"}))
    assert said.startswith(f"options.{key[:40]!r}: {why}")


_NO_VALUES: list[Any] = [None, 1.5, [], {}, ["a"]]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        *((value, "it has a line break or a control") for value in ("a\naction=reboot", "a\rb", "a\0b", "\u2028")),
        *((value, "agents cut off spaces and double quotes") for value in (" secret", "secret ", '"secret"', '"')),
        *((value, "expected 1 to 4096 characters") for value in ("", "x" * 4097)),
        *((value, "expected text in quotes, a whole number, true or false") for value in _NO_VALUES),
    ],
)  # fmt: skip
def test_a_value_that_an_agent_would_read_otherwise_is_refused(tmp_path: Path, value: Any, why: str) -> None:
    assert _said(tmp_path, _with(password=value)).startswith(f"options.password: {why}")


@pytest.mark.parametrize("key", ["plug", "port"])
def test_two_outlets_in_one_option_are_refused_since_one_of_them_that_is_on_would_speak_for_both(
    tmp_path: Path, key: str
) -> None:
    assert _said(tmp_path, _with(**{key: "7,8"})).startswith(f"options.{key}: expected one outlet; name each feed")


def test_what_is_too_much_or_there_twice_is_refused(tmp_path: Path) -> None:
    assert "expected at most 64 options" in _said(tmp_path, _with(**{f"a{number}": 1 for number in range(64)}))
    assert "at most 32768 bytes" in _said(tmp_path, _with(**{f"a{number}": "ä" * 4000 for number in range(8)}))
    assert "two options have the same name" in _said(tmp_path, _with(**{"power_wait": 1, "power-wait": 2}))
    assert _plugs(tmp_path, _with(api_path="/v1", password='se"cret'))


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)


_NAMES = st.from_regex(r"[A-Za-z][a-z_-]{0,8}", fullmatch=True)
_KEYS = _NAMES | st.sampled_from(["action", "o", "Option", "ACTION"]) | st.text(max_size=20)


@given(st.dictionaries(_NAMES, _TEXT) | st.dictionaries(_KEYS, _TEXT | st.text()))
def test_whatever_options_a_file_has_an_agent_reads_one_action_and_that_first(
    tmp_path_factory: pytest.TempPathFactory, options: dict[str, str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        (plug,) = _plugs(folder, {"agent": "fence_x", "options": options})
    except FenceError:
        return
    for action in ("status", "off"):
        text = lines(action, plug.options)
        given_lines = text.splitlines()
        keys = [line.partition("=")[0].strip().replace("-", "_").lower() for line in given_lines]
        assert given_lines[0] == f"action={action}"
        assert not {"action", "option", "o"} & {*keys[1:]}
        assert len(given_lines) == 1 + len(options) == text.count("\n")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("ip", "10.1.0.7", True),
        ("plug", "web-1", True),
        ("power_wait", "5", True),
        ("lanplus", "1", True),
        ("password", "5", False),
        ("passwd", "on", False),
        ("snmp_priv_passwd", "1", False),
        ("community", "17", False),
        ("username", "admin", False),
        ("pasword", "hunter", False),
    ],
)
def test_only_what_is_known_to_be_harmless_is_shown(key: str, value: str, *, shown: bool) -> None:
    assert is_open(key, value) is shown
    assert (value in cleaned(f"failed with {key}: {value}!", {key: value})) is shown
