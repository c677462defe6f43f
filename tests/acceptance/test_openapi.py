"""`/openapi.json` is true: schemathesis makes requests of it and beside it, and holds every answer against it."""

import subprocess
import sys
from collections.abc import Callable

import orjson
import pytest

from tests.acceptance.test_receiver import SERVE, TOKEN, Receiver
from tests.support.sites import Site

# Not among them: positive_data_acceptance. RFC 3339, RFC 3986 and Kubernetes' names, which are asked for, too, are more
# than a schema says; tests/unit/reactor/web/bad_events.py has them.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("guarded", [False, True])
def test_the_document_is_true(site: Callable[[int], Site], guarded: bool) -> None:
    cluster = site(0)
    env = {"VMDRIFT_SENDER_RATE": "10000000", "VMDRIFT_MAX_BACKLOG": "10000000"}
    words: list[str] = []
    if guarded:
        file = cluster.folder / "senders.json"
        file.write_bytes(orjson.dumps({"senders": [{"name": "tester", "token": TOKEN}]}))
        env["VMDRIFT_TOKENS_FILE"], words = str(file), ["--header", f"Authorization: Bearer {TOKEN}"]
    receiver = Receiver(cluster, **env)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{receiver.url}/openapi.json", "--seed", "1"]
    command += ["--checks", ",".join(CHECKS), "--max-examples", "100", "--continue-on-failure", "--no-color", *words]
    done = subprocess.run(command, cwd=cluster.folder, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
    log = next(cluster.folder.glob(f"*{SERVE}.log")).read_text()
    assert '"event": "event refused"' in log
    assert "Traceback" not in log
