"""Metal3's operator as its source has it: what it looks at, when it changes the power of a host, and what it writes."""

from typing import Any

import pytest

from simulator.actors.metal3_operator import Metal3Operator
from simulator.client import Obj
from simulator.fencing import METAL3, add_hosts
from simulator.world import World
from tests.support.foreign import refusing

_HOSTS, _HARD = "baremetalhosts", {"reboot.metal3.io/somebody": '{"mode":"hard"}'}


class Site:
    """One host."""

    def __init__(self) -> None:
        self.world = World()
        refusing(self.world)
        self.admin = self.world.api.client("system:admin")
        self.world.hypervisor.add_machine("node-a")
        self.admin.create("nodes", {"metadata": {"name": "node-a"}, "spec": {}})
        self.operator = Metal3Operator(self.admin, self.world.hypervisor, add_hosts(self.admin, ("node-a",)))
        self.world.add(self.operator)
        self.world.run_for(1)

    @property
    def host(self) -> Obj:
        return self.admin.get(_HOSTS, "host-node-a", METAL3)

    def edit(self, patch: Any) -> None:
        self.admin.patch(_HOSTS, "host-node-a", patch, METAL3)

    def annotate(self, annotations: Any) -> None:
        self.edit({"metadata": {"annotations": annotations}})

    def after(self, seconds: float) -> tuple[bool, bool]:
        """Whether the machine is on, and whether it is said to be."""
        self.world.run_for(seconds)
        return self.world.hypervisor.machines["node-a"].powered, self.host["status"]["poweredOn"]


def test_a_hard_order_is_carried_out_in_seconds_and_lasts_until_it_is_taken_away() -> None:
    site = Site()
    site.annotate(_HARD)
    assert site.after(5) == (False, False)
    site.world.hypervisor.power_on("node-a")
    assert site.after(70) == (False, False)
    site.annotate(dict.fromkeys(_HARD))
    assert site.after(5) == (True, True)


@pytest.mark.parametrize("value", ["", "{}", "no JSON", "[]", '{"mode":"soft"}'])
def test_any_other_order_asks_the_system_first_which_may_take_three_minutes(value: str) -> None:
    site = Site()
    site.annotate({"reboot.metal3.io/somebody": value})
    assert site.after(170) == (True, True)
    assert site.after(20) == (False, False)


def test_a_power_cut_is_seen_within_a_minute_and_repaired_where_the_host_should_be_on() -> None:
    site = Site()
    site.world.hypervisor.power_cut("node-a")
    assert site.after(50) == (False, True)
    assert site.after(20) == (True, True)
    site.edit({"spec": {"online": False}})
    assert site.after(200) == (False, False)
    site.world.hypervisor.power_on("node-a")
    assert site.after(300) == (False, False)


@pytest.mark.parametrize("name", ["paused", "detached"])
def test_what_is_paused_or_detached_is_left_alone_until_it_is_not_any_more(name: str) -> None:
    site = Site()
    site.annotate({f"baremetalhost.metal3.io/{name}": "", **_HARD})
    assert site.after(200) == (True, True)
    assert site.host["status"]["operationalStatus"] == {"paused": "OK"}.get(name, name)
    site.annotate({f"baremetalhost.metal3.io/{name}": None})
    assert site.after(10) == (False, False)
    assert site.host["status"]["operationalStatus"] == "OK"


def test_what_is_never_to_be_off_is_rebooted_instead() -> None:
    site = Site()
    site.edit({"spec": {"disablePowerOff": True}})
    site.annotate(_HARD)
    assert site.after(3) == (True, True)
    assert site.world.hypervisor.machines["node-a"].boots > 1


def test_one_that_is_not_provisioned_is_somebody_elses_business() -> None:
    site = Site()
    status = {"status": {"provisioning": {"state": "deprovisioning"}}}
    site.admin.patch(_HOSTS, "host-node-a", status, METAL3, subresource="status")
    site.annotate(_HARD)
    assert site.after(200) == (True, True)


def test_what_a_bmc_refuses_is_an_error_until_it_is_done() -> None:
    site = Site()
    site.operator.fails = "BMC: 401"
    site.annotate(_HARD)
    assert site.after(10) == (True, True)
    status = site.host["status"]
    assert (status["operationalStatus"], status["errorType"], status["errorMessage"]) == (
        "error",
        "power management error",
        "BMC: 401",
    )
    site.operator.fails = ""
    assert site.after(130) == (False, False)
    assert (site.host["status"]["operationalStatus"], site.host["status"].get("errorType")) == ("OK", None)


def test_one_that_lies_says_that_it_is_off() -> None:
    site = Site()
    site.operator.lies = True
    site.annotate(_HARD)
    assert site.after(10) == (True, False)
