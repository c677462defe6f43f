"""`vmdrift confirm-off|taint|untaint|unfence`: what a person can do about a lost node and its fence."""

from reactor import node_interventions
from reactor.interventions import InterventionResult
from vmdrift.intervene import run
from vmdrift.intervene.person import CommandLine
from vmdrift.intervene.wait import Wait, proven


def confirm_off(name: str, how: str, *, although_ready: bool, as_json: bool, waits: float | None = None) -> int:
    """Confirm that this boot of a node is off, as an entitled system would; returns the exit code.

    1 where it does not count, 2 while no worker has processed it.
    """

    def do(command_line: CommandLine) -> InterventionResult:
        return node_interventions.confirm_off(command_line.interventions, name, how, although_ready=although_ready)

    return run("confirm-off", do, as_json=as_json, wait=Wait(proven(name), waits) if waits else None)


def taint(name: str, why: str, *, as_json: bool) -> int:
    """Have the whole node put out of service once it is proven dead, whatever that hits; returns the exit code."""

    def do(command_line: CommandLine) -> InterventionResult:
        return node_interventions.taint(command_line.interventions, command_line.wiring.queue, name, why)

    return run("taint", do, as_json=as_json)


def untaint(name: str, *, as_json: bool) -> int:
    """Take back that a node is to be put out of service; returns the exit code: 1 if nobody asked for it."""

    def do(command_line: CommandLine) -> InterventionResult:
        return node_interventions.untaint(command_line.interventions, command_line.wiring.queue, name)

    return run("untaint", do, as_json=as_json)


def unfence(name: str, how: str, *, as_json: bool) -> int:
    """Have the fence of a node removed that was deleted, or is heard again with the same boot; the exit code."""

    def do(command_line: CommandLine) -> InterventionResult:
        return node_interventions.unfence(command_line.interventions, command_line.wiring.queue, name, how)

    return run("unfence", do, as_json=as_json)
