"""What is on the pictures: one moment of an outage each, and the pages on which it is looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from simulator.scene import DEMO, LOST, Scene, Storage, Vm
from tests.pictures.stage import Stage

NODES = tuple(f"worker-{number}" for number in range(1, 9))


def sixty() -> Scene:
    """Of sixty VMs on one node, twelve stay down for four reasons."""
    plain = [Vm(f"web-{number:02}", namespace="shop", node=LOST) for number in range(36)]
    disks = [Vm(f"db-{number:02}", Storage.RBD_BLOCK, "bank", LOST) for number in range(12)]
    pinned = [Vm(f"licence-{number}", namespace="office", node=LOST, pinned=True) for number in range(4)]
    local = [Vm(f"cache-{number}", Storage.LOCAL, "shop", LOST) for number in range(4)]
    manual = [Vm(f"test-{number}", namespace="lab", node=LOST, run_strategy="Manual") for number in range(4)]
    return Scene(NODES, (*plain, *disks, *pinned, *local, *manual))


def quiet(redis: Redis, folder: Path) -> Stage:
    """No node is lost, and an hourly audit says what would stay down if one were."""
    stage = Stage(redis, folder, DEMO, fencing=("event",))
    stage.audit()
    return stage


def window(redis: Redis, folder: Path) -> Stage:
    """The five minutes run."""
    stage = Stage(redis, folder, DEMO, fencing=("event",))
    stage.lose(LOST)
    stage.live(70.0)
    return stage


def released(redis: Redis, folder: Path) -> Stage:
    """The window is over: some run already, some wait for Kubernetes' six minutes, two stay down."""
    stage = Stage(redis, folder, DEMO)
    stage.lose(LOST)
    stage.live(345.0)
    return stage


def done(redis: Redis, folder: Path) -> Stage:
    """All that can be moved was moved."""
    stage = Stage(redis, folder, DEMO)
    stage.lose(LOST)
    stage.live(900.0)
    return stage


def over(redis: Redis, folder: Path) -> Stage:
    """The node is back, and the outage is history; somebody had cancelled one VM."""
    stage = Stage(redis, folder, DEMO)
    stage.lose(LOST)
    stage.live(60.0)
    stage.show()
    stage.act("cancel", "shop/queue", why="a new one is there", sure="yes")
    stage.live(800.0)
    stage.play.world.hypervisor.power_on(LOST)
    stage.live(400.0)
    return stage


def blocked(redis: Redis, folder: Path) -> Stage:
    """Two of four nodes are lost at once, which looks like the network."""
    stage = Stage(redis, folder, DEMO)
    stage.lose(LOST, "worker-2")
    stage.live(330.0)
    return stage


def held(redis: Redis, folder: Path) -> Stage:
    """Ann held one VM, and the window is over."""
    stage = Stage(redis, folder, DEMO)
    stage.lose(LOST)
    stage.live(30.0)
    stage.act("hold", "shop/web", lasts="1d", why="the backup runs")
    stage.live(310.0)
    return stage


def crowd(redis: Redis, folder: Path) -> Stage:
    """Sixty VMs, a moment after the window."""
    stage = Stage(redis, folder, sixty())
    stage.lose(LOST)
    stage.live(320.0)
    return stage


def dead(redis: Redis, folder: Path) -> Stage:
    """All workers are dead, and the window's end is long past."""
    stage = Stage(redis, folder, DEMO)
    stage.lose(LOST)
    stage.live(60.0)
    stage.die()
    stage.live(285.0)
    return stage


@dataclass(frozen=True)
class View:
    """A moment, and pages by their names; "" is the first page."""

    moment: Callable[[Redis, Path], Stage]
    pages: dict[str, str]


VIEWS = {
    "quiet": View(quiet, {"": "/", "fencing": "/fencing", "queues": "/rq/", "workers": "/rq/workers"}),
    "window": View(
        window,
        {"": "/", "vm": "/vm/shop/licence", "node": "/node/worker-1", "confirm-off": "/confirm/confirm-off/worker-1"},
    ),
    "released": View(released, {"": "/", "vm": "/vm/shop/database"}),
    "done": View(done, {"": "/", "vm": "/vm/shop/database"}),
    "over": View(over, {"": "/", "history": "/history", "vm": "/vm/shop/queue"}),
    "blocked": View(blocked, {"": "/", "vm": "/vm/shop/database", "node": "/node/worker-1"}),
    "held": View(held, {"": "/", "vm": "/vm/shop/web", "cancel": "/confirm/cancel/shop/web", "node": "/node/worker-1"}),
    "sixty": View(crowd, {"": "/", "filtered": "/?name=web-1", "node": "/node/worker-1"}),
    "workers-dead": View(dead, {"": "/", "vm": "/vm/shop/web"}),
}
