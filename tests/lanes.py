"""What `make test` runs, side by side on two cores: checks and tests that compute beside tests that mostly wait.

    python -m tests.lanes [WORDS FOR PYTEST]

Each lane's lines are printed as they come, with its name in front. In the end what failed is told once more, whole,
because whoever reads only the last lines should find it there; the very last line adds up what pytest counted.
"""

import asyncio
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterable

import click

PYTEST = [sys.executable, "-m", "pytest", "-q", "--color=no"]
MAKE = ["make", "--no-print-directory"]
WAITING = ("tests/acceptance", "tests/conformance", "tests/contracts", "tests/integration", "tests/page")
# Long ones come first (tests/conftest.py), each worker takes the next one, and groups stay together.
_IN_ORDER = ["--dist", "loadgroup", "--no-loadscope-reorder"]
_NO_TESTS = 5  # pytest's exit code where words like -k leave a lane nothing to do
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)\b")
_LONGEST_LINE = 2**24  # bytes; of what a test prints when it fails
_TROUBLE = re.compile(r"=+ (FAILURES|ERRORS) =+")


def lanes(words: Iterable[str]) -> dict[str, list[str]]:
    """Name -> command. Whoever waits costs little: four at a time; whoever computes needs a core: two."""
    elsewhere = [f"--ignore={folder}" for folder in WAITING]
    return {
        "waiting": [*PYTEST, "-n", "4", *_IN_ORDER, *words, *WAITING],
        "computing": [*PYTEST, "-n", "2", *_IN_ORDER, *elsewhere, *words],
    }


async def run(name: str, command: list[str], counts: Counter[str], trouble: list[str]) -> int:
    """One lane from its start to its end; its exit code.

    What pytest counted is added to `counts`, its lines from the first failure on to `trouble`.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, limit=_LONGEST_LINE
    )
    assert process.stdout
    last, told = "", False
    try:
        async for line in process.stdout:
            last = line.decode(errors="replace").rstrip()
            click.echo(f"{name:>9} | {last}")
            if told := told or bool(_TROUBLE.fullmatch(last)):
                trouble.append(f"{name:>9} | {last}")
    except asyncio.CancelledError:
        process.send_signal(signal.SIGINT)  # pytest then ends its workers and fixtures
        raise
    if command[: len(PYTEST)] == PYTEST:
        counts.update({what.removesuffix("s"): int(number) for number, what in _COUNT.findall(last)})
    return await process.wait()


async def tests(words: list[str], counts: Counter[str], trouble: list[str]) -> bool:
    """Both lanes, once all tests are compiled: else each of six processes does that for itself.

    Only those that wait need Chromium and promtool, so what computes does not wait for these to be installed.
    """
    nowhere = asyncio.subprocess.DEVNULL
    tools = asyncio.create_task(run("tools", [*MAKE, "tools"], Counter(), []))
    await (await asyncio.create_subprocess_exec(*PYTEST, "--collect-only", stdout=nowhere, stderr=nowhere)).wait()

    async def lane(name: str, command: list[str]) -> int:
        if name == "waiting":
            await tools
        return await run(name, command, counts, trouble)

    codes = await asyncio.gather(*(lane(name, command) for name, command in lanes(words).items()))
    return all(code in {0, _NO_TESTS} for code in codes)


async def main(words: list[str]) -> int:
    """Checks and tests; 0 only if all went well, and some test was run."""
    counts: Counter[str] = Counter()
    trouble: list[str] = []
    checked, well = await asyncio.gather(
        run("checks", [*MAKE, "check"], Counter(), trouble), tests(words, counts, trouble)
    )
    if trouble:
        click.echo("\n".join(["What failed, once more:", *trouble]))
    failed = counts["failed"] + counts["error"]
    click.echo(f"{counts['passed']} passed, {failed} failed, {counts['skipped']} skipped")
    return 0 if well and not checked and counts["passed"] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
