"""Who tells what instance type and preference add: KubeVirt live, ControllerRevisions in a dump, else nobody."""

from collections.abc import Mapping
from typing import Any

import pytest

from reactor.model.errors import ClusterError, ClusterUnreachable, Forbidden, NotServed, Rejected
from workers.decide.observation import VmView
from workers.observe.instance_types import expand

Obj = dict[str, Any]
_VM = VmView(
    "u",
    "Always",
    deleting=False,
    template={"domain": {}},
    typed={"instancetype": "u1", "preference": "win"},
    revisions={"instancetype": "u1-1", "preference": "win-1"},
)
_U1 = {"data": {"kind": "VirtualMachineInstancetype", "spec": {"nodeSelector": {"pool": "a"}}}}
_WIN = {"data": {"kind": "VirtualMachinePreference", "spec": {"devices": {"preferredTPM": {"persistent": True}}}}}


class _Answers:
    """A Cluster that has these objects, or fails so, by kind."""

    def __init__(self, found: Mapping[tuple[str, str], Obj | ClusterError]) -> None:
        self._found = found

    def find(self, resource: str, name: str, namespace: str) -> Obj | None:
        assert namespace == "default"
        found = self._found.get((resource, name)) or self._found.get((resource, ""))
        if isinstance(found, ClusterError):
            raise found
        return found


def _expanded(**found: Any) -> Any:
    named = {tuple(key.split("__")): value for key, value in found.items()}
    kinds = {"spec": "virtualmachines/expand-spec", "revision": "controllerrevisions"}
    answers = {
        (kinds[kind], name.replace("_", "-")): value for kind, name in named for value in [found[f"{kind}__{name}"]]
    }
    return expand(_Answers(answers), "vm", "default", _VM)  # type: ignore[arg-type]


def test_live_kubevirt_tells_it_itself() -> None:
    answer = {"metadata": {}, "spec": {"template": {"spec": {"nodeSelector": {"pool": "b"}, "affinity": None}}}}
    assert _expanded(spec__vm=answer) == {"nodeSelector": {"pool": "b"}}


@pytest.mark.parametrize("refusal", [NotServed("404"), Rejected("the dump holds no such kind")])
def test_where_nobody_serves_that_the_controller_revisions_tell_it(refusal: ClusterError) -> None:
    found = _expanded(spec__=refusal, revision__u1_1=_U1, revision__win_1=_WIN)
    assert found["nodeSelector"] == {"pool": "a"}
    assert found["domain"]["devices"] == {"tpm": {"persistent": True}}


@pytest.mark.parametrize("missing", [{}, {"revision__u1_1": _U1}, {"revision__": Forbidden("403")}])
def test_without_each_of_them_it_is_not_known(missing: Obj) -> None:
    assert _expanded(spec__=NotServed("404"), **missing) is None


@pytest.mark.parametrize("failure", [Forbidden("403"), ClusterUnreachable("virt-api is away")])
def test_a_virt_api_that_does_not_answer_is_no_failure_of_the_pass(failure: ClusterError) -> None:
    assert _expanded(spec__=failure) is None
