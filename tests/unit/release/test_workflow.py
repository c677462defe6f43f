"""The release's workflow, as far as it can be told without GitHub: its schema, its dangers, its scripts, its pins."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.places import DOCS, ROOT

FILE = ROOT / ".github" / "workflows" / "release.yml"
TEXT = FILE.read_text()
JOBS: Mapping[str, Any] = yaml.safe_load(TEXT)["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def tool(*words: str) -> subprocess.CompletedProcess[str]:
    place = Path(sys.executable).parent
    command = [str(place / words[0]), *words[1:], str(FILE)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_it_keeps_to_githubs_schema() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    assert done.returncode == 0, done.stdout


def test_nothing_in_it_is_known_to_be_dangerous() -> None:
    """Injection into scripts, credentials that stay, caches, too many rights, actions that are not pinned."""
    done = tool("zizmor", "--offline", "--no-progress", "--persona=auditor")
    assert done.returncode == 0, done.stdout


def test_every_action_is_one_commit_with_the_tag_that_it_was() -> None:
    uses = re.findall(r"uses: (.*)", TEXT)
    assert len(uses) == sum("uses" in step for step in STEPS) > 8
    assert [use for use in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []
    assert len(set(uses)) == len({use.partition("@")[0] for use in uses}), "one action in two versions"


def test_the_docs_name_each_action() -> None:
    page = (DOCS / "release.md").read_text()
    assert [name for name in re.findall(r"uses: ([\w-]+/[\w-]+)@", TEXT) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("step", [step for step in STEPS if "run" in step], ids=lambda step: step.get("name", ""))
def test_every_script_is_one_that_bash_can_read(step: Mapping[str, Any]) -> None:
    done = subprocess.run(
        ["/bin/bash", "-n"], input=step["run"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "${{" not in step["run"], "what GitHub fills in reaches a script by its environment only"


def test_what_the_scripts_call_is_there() -> None:
    scripts = "\n".join(step.get("run", "") for step in STEPS)
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?m)^make (\S+)$", scripts):
        assert re.search(rf"(?m)^(?:\S+ )*{re.escape(target)}(?: \S+)*:", makefile), target
    modules = re.findall(r"-m (release\.\w+)", scripts)
    assert modules == ["release.version"]
    assert all((ROOT / f"{module.replace('.', '/')}.py").exists() for module in modules)


def test_no_job_may_more_than_it_needs() -> None:
    assert yaml.safe_load(TEXT)["permissions"] == {}
    wanted = {
        name: {right for right, level in job["permissions"].items() if level == "write"} for name, job in JOBS.items()
    }
    assert wanted == {
        "files": set(),
        "plugin": set(),
        "image": {"packages", "id-token", "attestations"},
        "release": {"contents", "id-token", "attestations"},
    }


def test_nothing_is_pushed_before_the_tests_have_passed_and_the_plugin_has_started() -> None:
    def before(name: str) -> Iterator[str]:
        needs = JOBS[name].get("needs", [])
        for one in [needs] if isinstance(needs, str) else needs:
            yield from (one, *before(one))

    assert {"files", "plugin"} <= set(before("image"))
    assert {"files", "plugin", "image"} <= set(before("release"))
    assert any(step.get("run") == "bash .ci/run" for step in JOBS["files"]["steps"])
