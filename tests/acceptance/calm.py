"""The first moment of the one outage (tests.acceptance.story): nothing is lost yet."""

import shutil
import subprocess

from reactor.roles import ON_CLUSTER
from tests.acceptance.story import REQUEST, SENDER, Stage
from tests.support.commands import clean_env, eventually
from tests.support.http import curl
from vmdrift.snapshot import DUMP_COMMAND

KUBECTL = shutil.which("kubectl") or ""
NODE_EVENT = {**REQUEST, "id": "2", "type": "io.vmdrift.node.unreachable", "subject": "worker-2"}


def calm(stage: Stage) -> None:
    """Nothing is lost: what everybody is told, and what people ask for by mistake."""
    stage.moment = "calm"
    for words in (["status"], ["events"], ["history"], ["holds"], ["events", "--dead"]):
        stage.run(*words)
    _examined(stage)
    _planned(stage)
    _curled(stage)
    _mistyped(stage)


def _examined(stage: Stage) -> None:
    before = len(stage.requests(""))
    stage.run("doctor", "--json")
    stage.seen["doctor asked"] = stage.requests("ops:vm-drift", before)
    for role in ON_CLUSTER:
        stage.run("doctor", "--role", role.name, "--json", role=role.name)
    stage.moment = "without rights"
    for words in (["--json"], []):
        stage.run("doctor", "--role", "drifts", *words, role="intake")
    stage.moment = "calm"


def _planned(stage: Stage) -> None:
    before = len(stage.requests(""))
    stage.run("plan", stage.site.demo.lost, "--json", role="admin")
    stage.run("plan", "worker-4", role="admin")
    stage.run("audit", role="admin", COLUMNS="80")
    own = stage.folder / "own.json"
    own.write_text(stage.run("dump", role="admin").out)
    stage.seen["own dump"] = stage.run("plan", stage.site.demo.lost, "--json", "-f", str(own), KUBECONFIG="")
    stage.seen["plan asked"] = stage.requests("system:admin", before)
    if not KUBECTL:
        return
    env = clean_env(KUBECONFIG=str(stage.site.demo.kubeconfig("admin")))
    subprocess.run(["/bin/sh", "-c", DUMP_COMMAND], cwd=stage.folder, env=env, check=True, timeout=60)
    dump = ("-f", str(stage.folder / "dump.json"))
    stage.seen["dump"] = stage.run("plan", stage.site.demo.lost, "--json", *dump, KUBECONFIG="")
    stage.seen["dump's audit"] = stage.run("audit", *dump, KUBECONFIG="")


def _curled(stage: Stage) -> None:
    """A binary event, and what became of it."""
    attributes = [word for name, value in NODE_EVENT.items() for word in ("-H", f"ce-{name}: {value}")]
    known = ("-H", f"Authorization: Bearer {SENDER}")
    status, answer = curl("-X", "POST", f"http://{stage.address}/", *known, *attributes)
    place = f"http://{stage.address}{answer['events'][0]['status']}"
    eventually("a worker has looked at it", lambda: curl(*known, place)[1]["state"] == "done")
    stage.seen["curl"] = status, answer["events"][0]["result"], curl(*known, place)[1]["result"]


def _mistyped(stage: Stage) -> None:
    """What is not so, and what nobody knows; then the hold that is meant."""
    stage.run("drift", "shop/web")
    stage.run("drift", "shop/web", "--json")
    stage.run("resume", "worker-2")
    stage.run("cancel", "shop/web", "--why", "new")
    stage.run("cancel", "shop/web")
    stage.run("retry", "shop/web", "--json")
    for name in ("wroker-1", "shop/wbe"):
        stage.run("hold", name)
        stage.run("resume", name)
    stage.run("hold", "worker-1", "--for", "30m", "--why", "firmware", "--json")
    stage.run("resume", "worker-1", "--json")
    stage.run("hold", "shop/web", "--for", "1h", "--why", "the backup runs")
