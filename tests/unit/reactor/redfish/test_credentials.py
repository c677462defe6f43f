"""NODE.json: read anew at each use, and what is wrong with it is told by file and field, never by content."""

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme

from reactor.adapters.redfish.credentials import BmcAccess, access
from reactor.model.errors import FenceError

UUID = "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c001"
GOOD = {"address": "https://10.1.0.7", "username": "fencing", "password": "secret-17"}


def _write(folder: Path, **changes: Any) -> None:
    (folder / "worker-1.json").write_bytes(orjson.dumps({**GOOD, **changes}))


def _said(folder: Path, node: str = "worker-1") -> str:
    with pytest.raises(FenceError) as caught:
        access(folder, node)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_address_and_credentials_are_enough(tmp_path: Path) -> None:
    _write(tmp_path)
    assert access(tmp_path, "worker-1") == BmcAccess("worker-1.json", "https://10.1.0.7", "fencing", "secret-17")


def test_all_that_may_stand_there_is_read(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    _write(tmp_path, address="https://bmc:8443/", system="/redfish/v1/Systems/1", ca_file="ca.crt", uuid=UUID.upper())
    found = access(tmp_path, "worker-1")
    assert (found.address, found.system, found.uuid) == ("https://bmc:8443", "/redfish/v1/Systems/1", UUID)
    assert found.ca_file == str(tmp_path / "ca.crt")


def test_what_is_null_is_as_good_as_left_out(tmp_path: Path) -> None:
    _write(tmp_path, system=None, ca_file=None, uuid=None)
    assert access(tmp_path, "worker-1").system == ""


def test_a_file_that_changes_holds_at_once(tmp_path: Path) -> None:
    for password in ("first", "second"):
        _write(tmp_path, password=password)
        assert access(tmp_path, "worker-1").password == password


def test_credentials_are_not_in_what_is_shown_of_it(tmp_path: Path) -> None:
    _write(tmp_path)
    assert "secret" not in repr(access(tmp_path, "worker-1"))
    assert "fencing" not in repr(access(tmp_path, "worker-1"))


@pytest.mark.parametrize("node", ["../worker-1", "a/b", "", ".", "..", "Worker", "a\n", "a\x00", "ä", "-a", "a" * 300])
def test_what_is_no_name_of_a_node_is_no_way_out_of_the_folder(tmp_path: Path, node: str) -> None:
    inner = tmp_path / "bmcs"
    inner.mkdir()
    _write(tmp_path)
    assert "is not a valid node name" in _said(inner, node)


def test_a_node_without_a_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    where = "worker-1.json in VMDRIFT_BMC_DIR"
    assert _said(tmp_path) == f"{where}: it is missing: add it to the Secret that is mounted there"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "worker-1.json").mkdir()
    assert _said(tmp_path) == "worker-1.json in VMDRIFT_BMC_DIR: it cannot be read: Is a directory"


@pytest.mark.parametrize("text", ["", "{", '{"password": "secret-17"', "secret", "[1", "\udcff", "[" * 5000])
def test_what_is_no_json_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker-1.json").write_bytes(text.encode(sys.getfilesystemencoding(), "surrogateescape"))
    assert _said(tmp_path) == "worker-1.json in VMDRIFT_BMC_DIR: it is not valid JSON: write it again"


@pytest.mark.parametrize("text", ["[]", "null", "7", '"secret"'])
def test_what_is_no_object_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker-1.json").write_text(text)
    assert "expected an object" in _said(tmp_path)


@pytest.mark.parametrize("field", ["address", "username", "password"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "is missing: add it"),
        ("", "is empty: fill it in"),
        (17, "expected text in quotes, found int"),
        (["secret"], "expected text in quotes, found list"),
        (True, "expected text in quotes, found bool"),
    ],
)
def test_a_field_that_must_be_there_is_named(tmp_path: Path, field: str, value: object, said: str) -> None:
    _write(tmp_path, **{field: value})
    sentence = _said(tmp_path)
    assert sentence.startswith(f"worker-1.json in VMDRIFT_BMC_DIR: {field}")
    assert sentence.endswith(said)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("system", value) for value in ("1", "//evil/redfish/v1", "https://evil/redfish", "/redfish/v1?x", "", 7)),
        *(("uuid", value) for value in ("x", UUID[:-1], "", 7)),
        *(("ca_file", value) for value in ("", 7)),
    ],
)
def test_a_field_that_may_be_there_must_be_right(tmp_path: Path, field: str, value: object) -> None:
    _write(tmp_path, **{field: value})
    assert _said(tmp_path).startswith(f"worker-1.json in VMDRIFT_BMC_DIR: {field}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.crt", "missing.crt cannot be read: No such file or directory"),
        ("worker-1.json", "worker-1.json contains no certificates in PEM format"),
    ],
)
def test_authorities_that_are_not_there_are_told(tmp_path: Path, name: str, said: str) -> None:
    _write(tmp_path, ca_file=name)
    assert _said(tmp_path) == f"worker-1.json in VMDRIFT_BMC_DIR: ca_file: {said}"


@pytest.mark.parametrize("address", ["http://localhost:8000", "http://127.0.0.1:8000/", "http://[::1]:8000"])
def test_without_tls_only_this_very_machine_is_reached(tmp_path: Path, address: str) -> None:
    _write(tmp_path, address=address)
    assert access(tmp_path, "worker-1").address == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "http://10.1.0.7",
        "http://localhost.evil",
        "http://127.0.0.1:80@evil",
        "https://user:secret@bmc",
        "https://bmc/redfish/v1",
        "https://bmc?x",
        "https://bmc#x",
        "https://a b",
        "bmc",
        "ftp://bmc",
    ],
)
def test_an_address_is_https_and_a_host_and_nothing_else(tmp_path: Path, address: str) -> None:
    _write(tmp_path, address=address)
    assert _said(tmp_path).endswith("address: expected https://HOST or https://HOST:PORT")
