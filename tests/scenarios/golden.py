"""Golden scenarios: what happens to a cluster, and the expected log of what vm-drift decides and writes.

docs/scenarios.md says how to read and to rewrite them. `python -m tests.scenarios.golden` shows where the log of today
differs from the one that is written down (exit code 1); `--write` writes today's down.
"""

import difflib
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
import yaml

from reactor.settings import Settings
from simulator.documents import documents
from simulator.scene import FOR_EVER, ClaimPod, Kind, Scene, Storage, Vm, staged
from simulator.timing import Timing
from tests.scenarios.happenings import happen
from tests.scenarios.stage import Stage

HERE = Path(__file__).parent
_NODES = ("node-a", "node-b", "node-c")
_PATIENCE = 700  # seconds after the last happening, for every drift to end
_AFTERWARDS = 60  # seconds; Kubernetes misses a node after 50, and when all is over nothing more should happen


@dataclass(frozen=True)
class Scenario:
    """`when` are the happenings by second, `until` the second at which one stops looking, `log` what is expected.

    `timing` are fields of the simulator's.
    """

    name: str
    why: str
    log: str
    when: Mapping[int, str]
    nodes: tuple[str, ...] = _NODES
    vms: tuple[Mapping[str, Any], ...] = ({"name": "vm"},)
    pods: tuple[Mapping[str, Any], ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    watchers: int = 1
    until: int | None = None

    @property
    def scene(self) -> Scene:
        """What is up before anything happens. VMs and pods are on node-a where nothing else is said."""
        pods = (ClaimPod(**{"node": "node-a", **pod}) for pod in self.pods)
        return Scene(tuple(self.nodes), tuple(map(_vm, self.vms)), tuple(pods))


def load(folder: Path = HERE) -> dict[str, Scenario]:
    """All scenarios, by name; TypeError or ValueError where one is not understood."""
    found = [
        Scenario(**entry) for file in files(folder) for entries in documents(file.read_text()) for entry in entries
    ]
    scenarios = {scenario.name: scenario for scenario in found}
    if len(scenarios) != len(found):
        raise ValueError("two scenarios have the same name")
    return scenarios


def files(folder: Path = HERE) -> list[Path]:
    """Where they are written down."""
    return sorted(folder.glob("*.yaml"))


def play(scenario: Scenario, ahead: float = 0.0) -> str:
    """Live through it; today's log. `ahead`: by how many seconds our clocks are ahead of the cluster's."""
    times = sorted(scenario.when)
    variables = {name: str(value) for name, value in scenario.policy.items()}
    world = staged(scenario.scene, timing=Timing(**scenario.timing))
    policy, lead = Settings.read(variables).to_policy(), max(0, -times[0])
    stage = Stage(world, scenario.scene.vms, policy, lead, scenario.watchers, ahead)
    for at in times:
        world.run_until(stage.zero + at)
        for what in scenario.when[at].split("; "):
            stage.note(f"# {what}")
            happen(stage, what)
    if scenario.until is not None:
        world.run_until(stage.zero + scenario.until)
    else:
        world.run_for(_AFTERWARDS)
        world.run(stage.over, _PATIENCE)
        world.run_for(_AFTERWARDS)
    return stage.log()


def difference(scenario: Scenario) -> str:
    """A unified diff from the expected log to today's, "" when there is none."""
    expected, now = (text.splitlines(keepends=True) for text in (scenario.log, play(scenario)))
    return "".join(difflib.unified_diff(expected, now, fromfile=f"expected: {scenario.name}", tofile="now", n=20))


def rewritten(text: str, logs: Mapping[str, str]) -> str:
    """A scenario file with other logs; `log` is each scenario's last key, so comments and order are kept."""
    lines, inside, name = [], False, ""
    for line in text.splitlines():
        if line.startswith("- name: "):
            name, inside = str(yaml.safe_load(line)[0]["name"]), False
        elif inside and line and not line.startswith(" "):
            inside = False
        if inside:
            continue
        lines.append(line)
        if line.startswith("  log:"):
            inside = True
            lines[-1] = "  log: |"
            lines += [f"    {entry}" for entry in logs[name].splitlines()] + [""]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Iterable[str]) -> int:
    """Show the differences, or write today's logs down; the exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    scenarios = load()
    if "--write" in arguments:
        logs = {name: play(scenario) for name, scenario in scenarios.items()}
        for file in files():
            file.write_text(rewritten(file.read_text(), logs))
        return 0
    differences = [diff for diff in map(difference, scenarios.values()) if diff]
    sys.stdout.write("\n".join(differences))
    sys.stdout.write(f"{len(scenarios)} scenarios, {len(differences)} differ.\n")
    return 1 if differences else 0


def _vm(entry: Mapping[str, Any]) -> Vm:
    toleration = FOR_EVER if entry.get("toleration") == "forever" else entry.get("toleration")
    kinds = {
        "storage": Storage(entry.get("storage", "containerDisk")),
        "kind": Kind(entry.get("kind", "VirtualMachine")),
    }
    return Vm(**{"node": "node-a", **entry, **kinds, "toleration": toleration})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
