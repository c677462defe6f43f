"""What is found by an index is what is found by looking at everything."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.machines.machine import NO_BACKEND
from simulator.machines.processes import Process, Processes
from simulator.store.selectors import Selection
from simulator.store.store import DeleteOptions, Store

_LABEL = "kubevirt.io/created-by"
_SELECTORS = {
    f"{_LABEL} in (u1,u2)": {"u1", "u2"},
    f"kubevirt.io=virt-launcher,{_LABEL}=u1": {"u1"},
    f"{_LABEL} notin (u1)": {"u0", "u2", ""},
    f"{_LABEL}!=u1": {"u0", "u2", ""},
    f"!{_LABEL}": {""},
    _LABEL: {"u0", "u1", "u2"},
}
_uid = st.sampled_from(["u0", "u1", "u2", ""])
_where = st.sampled_from(["a", "b"])


def _pod(name: str, namespace: str, uid: str) -> dict[str, Any]:
    labels = {"kubevirt.io": "virt-launcher"} | ({_LABEL: uid} if uid else {})
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {"metadata": meta, "spec": {"containers": [], "nodeName": "node-a"}}


@given(st.dictionaries(st.sampled_from("pqrst"), st.tuples(_where, _uid)), st.data())
def test_pods_of_an_instance_are_found_however_they_came_and_went(pods: dict[str, tuple[str, str]], data: Any) -> None:
    store = Store(lambda: 0.0)
    for name, (namespace, uid) in pods.items():
        store.create("pods", _pod(name, namespace, uid))
    left = dict(pods)
    for name in data.draw(st.sets(st.sampled_from(sorted(pods)))) if pods else ():
        store.delete("pods", name, pods[name][0], DeleteOptions(grace=0))
        del left[name]
    for selector, uids in _SELECTORS.items():
        for namespace in ("", "a"):
            listed = store.list(Selection("pods", namespace, selector)).items
            found = [(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in listed]
            wanted = sorted((at, n) for n, (at, uid) in left.items() if uid in uids and namespace in ("", at))
            assert found == wanted, selector


_process = st.builds(
    Process,
    node=_where,
    pod_uid=st.sampled_from(["p0", "p1", "p2", "p3"]),
    vm=st.sampled_from([None, ("shop", "web"), ("shop", "db")]),
    disks=st.frozensets(st.sampled_from(["d0", "d1"])),
)


@given(st.lists(_process | st.sampled_from(["p0", "p1", "p2", "p3"])))
def test_processes_are_found_by_machine_vm_and_disk(steps: list[Process | str]) -> None:
    processes, all_of_them = Processes(), dict[str, Process]()
    for step in steps:
        if isinstance(step, str):
            assert processes.drop(step) == all_of_them.pop(step, None)
        else:
            processes.put(step)
            all_of_them[step.pod_uid] = step
    assert dict(processes) == all_of_them
    for node in ("a", "b"):
        assert {p.pod_uid for p in processes.on(node)} == {p.pod_uid for p in all_of_them.values() if p.node == node}
    for vm in (("shop", "web"), ("shop", "db")):
        assert {p.pod_uid for p in processes.of(vm)} == {p.pod_uid for p in all_of_them.values() if p.vm == vm}
    for disk in ("d0", "d1"):
        found = {p.pod_uid for p in processes.writing(disk)}
        assert found == {p.pod_uid for p in all_of_them.values() if disk in p.disks}
        assert all(p.on_backend(disk) == NO_BACKEND for p in processes.writing(disk))
