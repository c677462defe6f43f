"""`vmdrift token new`: somebody can log in with what it prints, and nothing else in the file changes."""

import json
import stat
from pathlib import Path

import pytest

from reactor.model.event import NODE_FENCED
from reactor.web.auth.senders import Senders, TokensFile
from tests.support.commands import vmdrift

OTHER = {"name": "monitoring", "token": "at least 16 characters", "types": ["io.vmdrift.node.*"]}


def made(file: Path, *words: str) -> str:
    """The token."""
    done = vmdrift("token", "new", *words, "--file", str(file))
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()[-1]


def test_the_first_one_makes_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "senders.json"
    token = made(file, "ann", "--may", "act")
    senders = Senders(TokensFile(file), None)
    ann = senders.identify(f"Bearer {token}", "")
    assert (ann.name, ann.page) == ("ann", "act")
    assert not ann.may("io.vmdrift.node.unreachable", "/x"), "who logs in posts no events"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(token) >= 43


def test_one_more_leaves_the_others_and_the_files_rights_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "senders.json"
    file.write_text(json.dumps({"senders": [OTHER], "comment": "ours"}))
    file.chmod(0o640)
    made(file, "bob", "--may", "look")
    data = json.loads(file.read_text())
    assert (data["senders"][0], data["comment"]) == (OTHER, "ours")
    assert [sender["name"] for sender in data["senders"]] == ["monitoring", "bob"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["senders.json"]


def test_who_may_confirm_may_that_and_only_from_the_page(tmp_path: Path) -> None:
    file = tmp_path / "senders.json"
    made(file, "ann", "--may", "act", "--confirm-off")
    senders = Senders(TokensFile(file), None)
    assert senders.may("ann", NODE_FENCED, "/page/ann")
    assert not senders.may("ann", NODE_FENCED, "/elsewhere")
    assert not senders.may("ann", "io.vmdrift.node.unreachable", "/page/ann")


def test_no_token_is_made_twice(tmp_path: Path) -> None:
    file = tmp_path / "senders.json"
    assert made(file, "ann", "--may", "look") != made(file, "bob", "--may", "look")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ann", "--may", "look"), 1, "ann is in the file already"),
        (("bob", "--may", "everything"), 2, "'everything' is not one of"),
        (("bob",), 2, "Missing option '--may'"),
        (("bob", "--may", "look", "--confirm-off"), 2, "--confirm-off needs --may act"),
        (("b b", "--may", "look"), 2, "is no name"),
    ],
)
def test_what_makes_no_sense_changes_nothing(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    file = tmp_path / "senders.json"
    made(file, "ann", "--may", "act")
    before = file.read_bytes()
    done = vmdrift("token", "new", *words, "--file", str(file))
    assert (done.code, said in done.err, done.out) == (code, True, "")
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["{", "[]", '{"senders": {}}', '{"senders": [{"name": "x", "token": "short"}]}'])
def test_a_file_that_is_none_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "senders.json"
    file.write_text(text)
    assert vmdrift("token", "new", "ann", "--may", "act", "--file", str(file)).code == 2
    assert file.read_text() == text


def test_the_file_is_that_of_the_settings_where_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "senders.json"
    done = vmdrift("token", "new", "ann", "--may", "act", "--json", env={"VMDRIFT_TOKENS_FILE": str(file)})
    told = json.loads(done.out)
    assert Senders(TokensFile(file), None).identify(f"Bearer {told['token']}", "").name == told["name"] == "ann"
    assert vmdrift("token", "new", "ann", "--may", "act").code == 2


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = vmdrift("token", "new", "ann", "--may", "act", "--file", str(tmp_path / "no" / "senders.json"))
    assert (done.code, "No such file or directory" in done.err) == (2, True)
