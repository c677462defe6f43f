"""The first login: a token is made, stands in the senders' file, and is shown once."""

import stat
from pathlib import Path

import orjson
import pytest

from reactor.web.auth.senders import TokensFile
from vmdrift.tokens import new


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "senders.json"


@pytest.mark.parametrize("may", ["look", "act"])
def test_it_is_printed_once_and_stands_in_a_file_that_the_receiver_reads(
    file: Path, capsys: pytest.CaptureFixture[str], may: str
) -> None:
    assert new("ann", may, str(file)) == 0
    said = capsys.readouterr()
    (entry,) = TokensFile(file).entries()
    assert (entry.sender.name, entry.sender.page, f"{entry.token}\n") == ("ann", may, said.out)
    assert len(entry.token) > 40
    assert not entry.sender.may("io.vmdrift.vm.drift", "/x")  # a person posts no events
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert entry.token not in said.err
    assert "kubectl -n vm-drift create secret generic senders" in said.err


def test_what_stands_there_already_stays_and_no_two_tokens_are_the_same(file: Path) -> None:
    file.write_bytes(orjson.dumps({"senders": [{"name": "pdu", "token": "x" * 16, "types": ["io.vmdrift.*"]}]}))
    assert new("ann", "act", str(file)) == new("bob", "look", str(file)) == 0
    entries = TokensFile(file).entries()
    assert [entry.sender.name for entry in entries] == ["pdu", "ann", "bob"]
    assert entries[0].sender.types == ("io.vmdrift.*",)
    assert len({entry.token for entry in entries}) == 3


def test_a_name_that_is_there_is_refused_and_nothing_changes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new("ann", "act", str(file)) == 0
    before = file.read_bytes()
    capsys.readouterr()
    assert new("ann", "look", str(file)) == 1
    assert "has an entry ann already" in capsys.readouterr().err
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"senders": 5}', b'{"senders": [{"name": "a", "token": "short"}]}'])
def test_a_file_that_the_receiver_could_not_read_is_left_as_it_is(
    file: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file.write_bytes(content)
    assert new("ann", "act", str(file)) == 2
    assert str(file) in capsys.readouterr().err
    assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new("ann", "act", str(tmp_path / "nowhere" / "senders.json")) == 2
    assert "No such file" in capsys.readouterr().err
