"""`vmdrift run`: every process of vm-drift on this machine, on a real cluster or on the simulated one.

Real: until stopped, only observing without --act. Simulated: the whole story of one lost node, and a verdict.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from reactor import roles
from reactor.adapters.kubernetes.cluster import Cluster, uid
from reactor.adapters.redis.errors import translated
from reactor.model.drift import Record
from reactor.model.errors import SettingsError, StoreError, VmDriftError
from reactor.model.fencing import CLAIMS
from reactor.model.fencing import CONFIG_MAP as FENCINGS
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from reactor.process import CANNOT_START, Stopped, explain, raise_stopped
from reactor.settings import GONE, Settings
from reactor.wiring import Wiring
from vmdrift.command import complain
from vmdrift.demo import Demo
from vmdrift.processes import Processes, wait_for
from vmdrift.status import read
from vmdrift.status.live import Live
from vmdrift.terminal import Terminal
from vmdrift.valkey import start as start_valkey

_DRIFT_WORKERS = 2
_PAGE_WITHIN = 10.0  # seconds until its address is printed, even if nothing answers there yet
_INTERVAL = 0.25  # seconds between two updates of the table
_NOTICED = 50.0  # seconds from the power cut until Kubernetes calls a node Unknown, about


def _wanted() -> Mapping[str, roles.Role]:
    """By the name of the process; deliveries and fencing only where they are wanted."""
    return {name: role for role in roles.used(Settings.read(os.environ)) for name in _names(role)}


def _names(role: roles.Role) -> list[str]:
    if role is roles.DRIFTS:
        return [f"{role.name}-{number}" for number in range(1, _DRIFT_WORKERS + 1)]
    return [role.name]


def _address() -> str:
    """Where the page and the receiver are: as given, or else somewhere on this machine that is free."""
    if listen := os.environ.get("VMDRIFT_LISTEN"):
        return listen
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


_NEXT = (
    "Next, on your cluster (it only observes unless you pass --act):",
    "  KUBECONFIG=/path/to/kubeconfig vmdrift run",
)


def run(*, act: bool, simulate: bool, factor: float, stay: bool) -> int:
    """Returns the exit code: 0 as it should, 1 not, 2 could not start."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, raise_stopped)
    real = not simulate and bool(os.environ.get("KUBECONFIG") or os.environ.get("KUBERNETES_SERVICE_HOST"))
    console = Terminal()
    # Short: a unix socket's path has room for a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="vmdrift-"))
    code = CANNOT_START
    try:
        with Processes(folder) as processes:
            local_run = _LocalRun(processes, folder, console)
            for name in Settings.unknown(os.environ):
                console.print(f"{name} is not a setting; nothing reads it. {GONE.get(name, '')}".rstrip())
            try:
                code = local_run.real(act=act) if real else local_run.simulated(factor, stay=stay)
            except Stopped:
                console.print("Stopping ...")  # a worker may take a few seconds
                raise
    except Stopped:
        console.print("Stopped.")
        code = 0 if real else 1
    except VmDriftError as error:
        complain(f"vmdrift run: cannot start: {explain(error)}")
    if code and any(log.stat().st_size for log in folder.glob("*.log")):
        console.print(f"Logs: {folder}", soft_wrap=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return code


class _LocalRun:
    """One run on this machine: its processes, its folder, its terminal."""

    def __init__(self, processes: Processes, folder: Path, console: Console) -> None:
        self._processes, self._folder, self._console = processes, folder, console

    def real(self, *, act: bool) -> int:
        """On the cluster of the environment, until stopped: an end by itself is a failure."""
        settings = Settings.read(os.environ)
        cluster = Wiring.of(settings).cluster
        uid(cluster)  # a wrong token or address must show here, not in a child's log
        mode = "acting on it" if act else "only observing; --act lets it act"
        self._say(f"Cluster: {cluster.host} ({mode}).", *missing_config_maps(cluster, settings))
        url = self._redis()
        env = self._start(url, {"VMDRIFT_POLICY": "auto" if act else "observe"}, {})
        self._say(*_status(url), f"The page: http://{env['VMDRIFT_LISTEN']}/")
        self._follow(env, lambda _: False)
        return 1

    def simulated(self, factor: float, *, stay: bool) -> int:
        """The story of one lost node, from the power cut to the verdict. `stay`: everything runs on until stopped."""
        self._say("This is a simulated cluster: no real machine, VM or disk is touched.")
        _must_be_unused(os.environ.get("VMDRIFT_REDIS_URL", ""))
        demo = Demo(self._processes, self._folder, factor)
        url = self._redis()
        kubeconfigs = {role.name: str(demo.kubeconfig(role.name)) for role in roles.ON_CLUSTER}
        env = self._start(url, {**demo.env, "VMDRIFT_KUBE_CONTEXT": ""}, kubeconfigs)
        self._say(*_status(url), f"The page: http://{env['VMDRIFT_LISTEN']}/", *demo.story())
        demo.cut_power()
        records = self._follow(env, demo.ended, f"Waiting for Kubernetes to notice (about {_NOTICED / factor:.0f} s).")
        faults = ["A process ended before the demo did."] if records is None else demo.faults(records)
        self._say(*(faults or demo.praise(records or [])))
        if stay and records is not None:
            self._say(f"Everything keeps running until Ctrl-C. The page: http://{env['VMDRIFT_LISTEN']}/")
            self._stay()
        self._say("The demo has ended, and all of its processes are stopped.", *([] if faults else _NEXT))
        return 1 if faults else 0

    def _stay(self) -> None:
        """Until somebody stops it, which is no failure of the story any more, or a process dies."""
        with suppress(Stopped):
            while not self._processes.dead():
                time.sleep(_INTERVAL)

    def _say(self, *lines: str) -> None:
        """As it is, however long: commands are there to be copied."""
        for line in lines:
            self._console.print(line, soft_wrap=True)

    def _redis(self) -> str:
        """The URL of the given Redis, or of one of our own."""
        return os.environ.get("VMDRIFT_REDIS_URL") or start_valkey(self._processes, self._folder)

    def _start(self, url: str, env: Mapping[str, str], kubeconfigs: Mapping[str, str]) -> Mapping[str, str]:
        """Every role, with its `kubeconfigs` by name; returns the environment that they share."""
        shared = {**env, "VMDRIFT_REDIS_URL": url, "VMDRIFT_LISTEN": _address()}
        for name, role in _wanted().items():
            own = {"KUBECONFIG": kubeconfigs[role.name]} if role.name in kubeconfigs else {}
            self._processes.start(name, [sys.executable, "-m", *role.module.split()], {**shared, **own})
        wait_for(lambda: _listens(shared["VMDRIFT_LISTEN"]), _PAGE_WITHIN)
        return shared

    def _follow(
        self, env: Mapping[str, str], ended: Callable[[Sequence[Record]], bool], before: str = ""
    ) -> list[Record] | None:
        """Show the table until it has `ended`; the records then, or None when a process died before."""
        settings = Settings.read({**os.environ, **env})
        store = Wiring.of(settings).store
        with Live(self._console, settings.to_windows(), before) as live:
            while True:
                if dead := self._processes.dead():
                    live.say(self._last_log_line(dead[0]))
                    return None
                try:
                    snapshot = read(store)
                except StoreError as error:
                    live.away(str(error), time.time())
                else:
                    live.show(snapshot, time.time())
                    if ended(snapshot.records):
                        return snapshot.records
                time.sleep(_INTERVAL)

    def _last_log_line(self, name: str) -> str:
        lines = self._processes.log(name).read_text(errors="replace").strip().splitlines()
        return f"{name} ended: " + (lines[-1] if lines else "it logged nothing")


def _must_be_unused(url: str) -> None:
    """Workers take whatever job is there: those of a real cluster must never be judged by a simulated one."""
    if not url:
        return  # it will be one of our own
    with translated():
        used = Wiring.of(Settings(redis_url=url)).redis.dbsize()
    if used:
        raise SettingsError(
            "VMDRIFT_REDIS_URL: the simulated cluster needs an empty database; unset it to use an embedded one"
        )


def missing_config_maps(cluster: Cluster, settings: Settings) -> list[str]:
    """How to create the ConfigMaps that are missing. SettingsError where fencing needs one of them. ClusterError."""
    namespace, names = settings.namespace, (INTERVENTIONS, CLAIMS, FENCINGS)
    missing = [name for name in names if cluster.find("configmaps", name, namespace) is None]
    if not missing:
        return []
    commands = [f"kubectl -n {namespace} create configmap {name}" for name in missing]
    if cluster.find("namespaces", namespace) is None:
        commands.insert(0, f"kubectl create namespace {namespace}")
    if settings.fencing and missing != [INTERVENTIONS]:
        raise SettingsError(
            f"VMDRIFT_FENCING: the ConfigMaps for proofs of death do not exist. Create them: {'; '.join(commands)}"
        )
    return ["Holds, cancels and confirmations cannot be stored yet. Create their ConfigMaps:", *_indented(commands)]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 1).close()
    except OSError:
        return False
    return True


def _status(url: str) -> Sequence[str]:
    """How to see more. A URL that was given may hold a password, so it is not repeated."""
    prefix = "" if os.environ.get("VMDRIFT_REDIS_URL") else f"VMDRIFT_REDIS_URL={url} "
    return "Every check of every VM, in another terminal:", f"  {prefix}vmdrift status"
