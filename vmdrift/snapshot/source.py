"""Where `plan` and `audit` get a cluster from, and how they end when it cannot be read."""

import os
import time
from collections.abc import Callable

from reactor.model.errors import BadInput, Forbidden, SettingsError, VmDriftError
from reactor.process import explain
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift.command import CANNOT_TELL, complain
from vmdrift.snapshot import ClusterSnapshot, everything, snapshot, snapshot_of, usable_dump
from vmdrift.snapshot.dump_file import Dump
from vmdrift.snapshot.installed import InstalledSettings, JudgedBy

Report = Callable[[ClusterSnapshot, JudgedBy], int]


def run_on_snapshot(command: str, dump: str, report: Report) -> int:
    """Read the cluster, or a dump if its path is given, and `report`; returns the exit code. Changes nothing."""
    try:
        settings = Settings.read(os.environ)
        if dump:
            return _from_dump(dump, report)
        contents = live(settings)
        return report(snapshot(contents), _judged_by(contents, _cluster(settings)))
    except VmDriftError as error:
        complain(f"vmdrift {command}: {explain(error).rstrip('.')}{fix(error)}")
        return CANNOT_TELL


def live(settings: Settings) -> Dump:
    """All that is read of the cluster. Raises VmDriftError."""
    cluster = Wiring.of(settings).cluster
    contents = everything(cluster, time.time())
    read_at = cluster.time() or contents.about["read_at"]  # what it holds bears the API server's time
    installed = InstalledSettings.of_cluster(cluster, settings.namespace)
    return Dump(contents.objects, {**contents.about, "read_at": read_at, "settings": installed.as_header()})


def _cluster(settings: Settings) -> str:
    """Which it is, for people."""
    path, context = os.environ.get("KUBECONFIG"), settings.kube_context
    return f"KUBECONFIG={path}{f', context {context}' if context else ''}" if path else "the cluster of this pod"


def _judged_by(contents: Dump, place: str) -> JudgedBy:
    return JudgedBy.of(InstalledSettings.of_dump(contents.about), os.environ, place)


def _from_dump(path: str, report: Report) -> int:
    name = "standard input" if path == "-" else path
    try:
        contents = usable_dump(path)
        return report(snapshot_of(contents, name), _judged_by(contents, name))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: it contains a malformed object: {error!r}") from error


def fix(error: VmDriftError) -> str:
    """What to do about it, as the rest of a line."""
    if isinstance(error, Forbidden):
        return ". This command only reads: it needs the verb list on every kind that docs/plan.md names"
    if isinstance(error, SettingsError) and "KUBECONFIG" in str(error):
        return ". Set KUBECONFIG to a kubeconfig file, or give a dump with -f"
    return ""
