"""Which cluster is meant: a kubeconfig file, or the one that this pod runs in; what is neither is said at start."""

from pathlib import Path

import pytest

from reactor.adapters.kubernetes.cluster import connect
from reactor.model import errors

BAD_FILES = ["", "{", "[]", "a word", "5", "{}", '{"current-context": "x"}', "a: b: c", "\x00"]


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_kubeconfig_that_is_none_is_a_settings_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(errors.SettingsError, match=r"KUBECONFIG=.*/kubeconfig: "):
        connect(str(tmp_path / "kubeconfig"), 5)


def test_a_kubeconfig_that_is_missing_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=r"KUBECONFIG=.*/absent: "):
        connect(str(tmp_path / "absent"), 5)


def test_without_kubeconfig_and_outside_of_a_pod_there_is_no_cluster() -> None:
    with pytest.raises(errors.SettingsError, match="no cluster: KUBECONFIG is not set, and this does not run in a pod"):
        connect("", 5)


CONTEXTS = """
apiVersion: v1
kind: Config
current-context: here
clusters:
- {name: here, cluster: {server: "http://127.0.0.1:1"}}
- {name: there, cluster: {server: "http://127.0.0.1:2"}}
contexts:
- {name: here, context: {cluster: here, user: somebody}}
- {name: there, context: {cluster: there, user: somebody}}
users: [{name: somebody, user: {token: a-secret-token}}]
"""


@pytest.mark.parametrize(("context", "port"), [("", 1), ("here", 1), ("there", 2)])
def test_another_context_of_the_file_is_another_cluster(tmp_path: Path, context: str, port: int) -> None:
    (tmp_path / "kubeconfig").write_text(CONTEXTS)
    assert connect(str(tmp_path / "kubeconfig"), 5, context=context).host == f"http://127.0.0.1:{port}"


def test_a_context_that_the_file_has_not_is_a_settings_error_and_never_another_one(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(CONTEXTS)
    with pytest.raises(errors.SettingsError, match=r"KUBECONFIG=.*/kubeconfig, context prod: .*prod"):
        connect(str(tmp_path / "kubeconfig"), 5, context="prod")


def test_a_context_without_a_file_is_a_settings_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(CONTEXTS)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(errors.SettingsError, match="context here: KUBECONFIG is not set"):
        connect("", 5, context="here")


def test_what_a_kubeconfig_holds_is_not_repeated_when_it_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text('users:\n- name: u\n  user: {token: "a-secret-token\n')
    with pytest.raises(errors.SettingsError) as caught:
        connect(str(tmp_path / "kubeconfig"), 5)
    assert "a-secret-token" not in str(caught.value)
