"""Where `plan` and `audit` get a cluster from, and how they end when it cannot be read."""

import os
import time
from collections.abc import Callable

from reactor.model.drift import Policy
from reactor.model.errors import BadInput, Forbidden, SettingsError, VmDriftError
from reactor.process import explain
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift.command import CANNOT_TELL, complain
from vmdrift.snapshot import ClusterSnapshot, everything, from_dump, snapshot
from vmdrift.snapshot.dump_file import Dump


def run_on_snapshot(command: str, dump: str, report: Callable[[ClusterSnapshot, Policy], int]) -> int:
    """Read the cluster, or a dump if its path is given, and `report`; returns the exit code. Changes nothing."""
    try:
        settings = Settings.read(os.environ)
        return _from_dump(dump, settings, report) if dump else report(snapshot(live(settings)), settings.to_policy())
    except VmDriftError as error:
        complain(f"vmdrift {command}: {explain(error).rstrip('.')}{fix(error)}")
        return CANNOT_TELL


def live(settings: Settings) -> Dump:
    """All that is read of the cluster. Raises VmDriftError."""
    cluster = Wiring.of(settings).cluster
    contents = everything(cluster, time.time())
    read_at = cluster.time() or contents.about["read_at"]  # what it holds bears the API server's time
    return Dump(contents.objects, {**contents.about, "read_at": read_at})


def _from_dump(path: str, settings: Settings, report: Callable[[ClusterSnapshot, Policy], int]) -> int:
    try:
        return report(from_dump(path), settings.to_policy())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: it contains a malformed object: {error!r}") from error


def fix(error: VmDriftError) -> str:
    """What to do about it, as the rest of a line."""
    if isinstance(error, Forbidden):
        return ". This command only reads: it needs the verb list on every kind that docs/plan.md names"
    if isinstance(error, SettingsError) and "KUBECONFIG" in str(error):
        return ". Set KUBECONFIG to a kubeconfig file, or give a dump with -f"
    return ""
