"""What happens in the stories of mutants: each says in which order, and lets time go by."""

from dataclasses import replace

from reactor.model.drift import Phase
from simulator.actors.node_lifecycle import NodeLifecycle
from simulator.audit import Request
from tests.properties.fate import Blow
from tests.properties.happen.product import PROCESSES
from tests.properties.life import Life
from tests.properties.vms import WITNESSES
from tests.support.auditor import OURS

LOST = "node-a"


def power_cut(life: Life) -> None:
    """A node is lost and stays so."""
    life.hypervisor.power_cut(LOST)
    life.live(900)


def asked_for_more(life: Life) -> None:
    """As `power_cut`; the owners of all VMs had asked to have more done than the installation does."""
    for vm in life.vms:
        life.ask_for_more(vm)
    power_cut(life)


def power_cut_at(node: str, life: Life) -> None:
    """As `power_cut`, of another node."""
    life.hypervisor.power_cut(node)
    life.live(900)


def network_back(life: Life) -> None:
    """It is back in the moment before the window ends; its kubelet has yet to end what Kubernetes gave up."""
    life.hypervisor.cut_network(LOST)
    life.live(200)
    life.back(LOST)
    life.live(900)


def kubelet_dead(life: Life) -> None:
    """The kubelet is dead, its virt-handler tells that it is alive."""
    life.hypervisor.stop_kubelet(LOST)
    life.live(900)


def three_lost(life: Life) -> None:
    """Three of five nodes, one after another so that Kubernetes evicts from the first."""
    life.hypervisor.power_cut(LOST)
    life.live(100)
    life.hypervisor.power_cut("node-c")
    life.hypervisor.power_cut("node-d")
    life.live(900)


def target_lost(life: Life) -> None:
    """A VM migrates, and the node to which it migrates is lost."""
    (vm,) = life.vms.values()
    life.migrate(vm.name)
    migration = life.judge.visible.get("virtualmachineinstances", vm.name, vm.namespace) or {}
    life.hypervisor.power_cut(migration["status"]["migrationState"]["targetNode"])
    life.live(900)


def early(life: Life) -> None:
    """Every job runs again and again, long before its time."""
    life.hypervisor.power_cut(LOST)
    for _ in range(20):
        life.live(20)
        life.again()
    life.live(600)


def sign_after_release(life: Life) -> None:
    """The API server refuses three times to detach; meanwhile the node gives a sign of life."""
    life.hypervisor.cut_network(LOST)
    life.fate.blows.append(Blow("error", "delete", skip=1, times=3, size=500))
    assert life.world.run(lambda: bool(life.judge.released), 600)
    life.beat(LOST)
    life.live(900)


def three_lost_two_back(life: Life) -> None:
    """Too many nodes are lost; then only one is, and it has to stay so for 90 seconds."""
    three_lost(life)
    life.back("node-c")
    life.back("node-d")
    life.live(85)
    assert not life.judge.released
    life.live(600)


def control_plane_asleep(life: Life) -> None:
    """Most nodes are not heard of, and the controller manager that should have marked them is dead."""
    life.live(200)  # so that nobody came back a moment ago
    life.hypervisor.power_cut(LOST)
    life.live(35)
    for node in ("node-c", "node-d", "node-e"):
        life.hypervisor.power_cut(node)
    assert life.world.run(lambda: life.judge.visible.nodes[LOST].ready == "Unknown", 60)
    life.live(11)  # its taint manager evicts one that tolerates ten seconds
    life.manager_dies()
    life.live(900)


def behind(life: Life) -> None:
    """By the controller manager's clock the window is long over when it begins."""
    life.manager_leads(-600.0)
    life.live(60)
    power_cut(life)


def back_in_between(life: Life) -> None:
    """The node is back between a worker's last look at the cluster and its DELETE."""
    life.hypervisor.cut_network(LOST)
    came: list[Request] = []

    def come_back(request: Request) -> None:
        if request.user in OURS and (request.verb, request.resource) == ("list", "leases") and not came:
            came.append(request)
            life.back(LOST)
            assert life.world.run(lambda: life.judge.visible.nodes[LOST].ready == "True", 10)

    life.world.api.faults.insert(0, come_back)
    life.live(900)
    assert came


def no_place(life: Life) -> None:
    """After the release no node takes the VM, for longer than it may take to start."""
    until_released(life)
    admin = life.world.api.client("system:admin")
    for node in ("node-b", "node-c", "node-d", "node-e"):
        admin.patch("nodes", node, {"spec": {"unschedulable": True}})
    for pod in admin.list("pods", fields="status.phase=Pending"):
        admin.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0)
    life.live(2000)
    assert [record.phase for record in life.reactor.store.records_by_drift.values()] == [Phase.FAILED]
    for node in ("node-b", "node-c", "node-d", "node-e"):
        admin.patch("nodes", node, {"spec": {"unschedulable": None}})


def another_manager(life: Life) -> None:
    """The six minutes began anew with another controller manager: nobody is told that they are over before they are."""
    until_released(life)
    life.live(200)
    life.manager_leads(0.0)
    life.live(340)
    assert [record.reason for record in life.reactor.store.records_by_drift.values()] == ["detach-window"]
    life.live(600)


def until_released(life: Life) -> None:
    life.hypervisor.power_cut(LOST)
    assert life.world.run(lambda: bool(life.judge.released), 600)


def hears_a_step_of_the_clock(life: Life) -> None:
    """The kubelet is dead, its virt-handler tells that it is alive; all of our clocks jump together."""
    life.hypervisor.stop_kubelet(LOST)
    life.live(400)
    life.again()  # everybody looks right before, and right after
    for process in ("redis", *PROCESSES):
        life.step_clock(process, 400.0)
    life.again()
    life.live(300)


def never_to_be_moved(life: Life) -> None:
    """A node is cut off and lives, with nothing on it that would be moved."""
    life.hypervisor.cut_network(LOST)
    life.live(1500)


def the_third(life: Life) -> None:
    """Two nodes without a VM are cut off, then one with a VM that lives."""
    life.hypervisor.cut_network("node-c")
    life.hypervisor.cut_network("node-d")
    life.live(200)
    life.hypervisor.cut_network(LOST)
    life.live(600)


def lied_twice(life: Life) -> None:
    """A BMC says Off of a machine that lives, is refuted, and says so again in the next outage."""
    life.hold("vm/default/web")
    life.fences_lie(LOST)
    life.hypervisor.cut_network(LOST)
    life.live(300)
    life.hypervisor.restore_network(LOST)
    life.live(300)
    life.resume()
    life.hypervisor.cut_network(LOST)
    life.live(250)


def never_noticed(life: Life) -> None:
    """A kubelet dies, somebody says by mistake that the machine is off, its virt-handler is heard, and then nothing.

    Kubernetes is set to notice the loss of a node after an hour (--node-monitor-grace-period). A person
    taints the node, and ends the launcher.
    """
    life.live(200)
    life.hold("vm/default/web")
    (slow,) = (actor for actor in life.world.actors if isinstance(actor, NodeLifecycle))
    usual, slow.timing = slow.timing, replace(slow.timing, node_monitor_grace=3600.0)
    life.hypervisor.stop_kubelet(LOST)
    life.live(20)
    life.confirm_falsely(LOST)
    life.live(10)
    assert life.records, "an outage begins with the proof"
    life.handler_dies(LOST)
    life.live(1)
    life.beat(LOST)
    life.live(40)
    life.resume()
    admin = life.world.api.client("system:admin")
    life.taint(LOST, "maintenance")
    for pod in admin.list("pods", fields=f"spec.nodeName={LOST}"):
        admin.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])
    life.live(900)
    life.untaint()
    slow.timing = usual


def proof_ends_unnoticed(life: Life) -> None:
    """As `never_noticed`, but a BMC says Off until somebody repairs it, and then could switch the machine off."""
    life.live(200)
    life.hold("vm/default/web")
    (slow,) = (actor for actor in life.world.actors if isinstance(actor, NodeLifecycle))
    usual, slow.timing = slow.timing, replace(slow.timing, node_monitor_grace=3600.0)
    life.hypervisor.stop_kubelet(LOST)
    life.fences_lie(LOST)
    life.live(30)
    assert life.records, "an outage begins with the proof"
    life.handler_dies(LOST)
    life.live(1)
    life.beat(LOST)
    life.live(40)
    life.fences_work()
    life.resume()
    life.taint(LOST, "maintenance")
    life.live(600)
    life.untaint()
    slow.timing = usual


def one_witness(life: Life) -> None:
    """A node is cut off, and one of two watchers is dead: a single one says that nothing answers there."""
    life.live(200)
    life.kill("watcher-1", 2000.0)
    life.hypervisor.cut_network(LOST)
    life.live(300)


def one_witness_lies(life: Life) -> None:
    """As `one_witness`, but the machine answers; the one watcher that is left says that it does not."""
    life.live(200)
    life.kill("watcher-1", 2000.0)
    life.witness_lies(WITNESSES[0], "no route")
    life.hypervisor.stop_kubelet(LOST)
    life.handler_dies(LOST)
    life.live(300)
