"""`python -m benchmarks.plots`: the pictures of docs/performance.md, from the last results."""

import json
import sys
from typing import Any

from matplotlib import pyplot as plt

from benchmarks.report import RESULTS

DOCS = RESULTS.parents[1] / "docs" / "images"


def result(name: str) -> dict[str, Any]:
    """What was measured last."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


def added() -> None:
    """How long after its eviction a launcher pod is deleted, as a distribution."""
    found = sorted(result("added")["found"])
    _, axes = plt.subplots(figsize=(6, 3))
    axes.step(found, [100 * (n + 1) / len(found) for n in range(len(found))], where="post")
    axes.set(xlabel="seconds from the eviction to our DELETE", ylabel="% of VMs", xlim=(0, 3), ylim=(0, 100))
    axes.axvline(1, linestyle=":", color="gray")
    axes.axvline(2, linestyle=":", color="gray")
    _save("added")


def requests() -> None:
    """API requests per drift by the size of the cluster."""
    rows = [row for row in result("requests")["figures"] if row["what"].endswith("drift passes")]
    _, axes = plt.subplots(figsize=(6, 3))
    for storage in dict.fromkeys(row["what"].partition(",")[0] for row in rows):
        mine = [row for row in rows if row["what"].startswith(f"{storage},")]
        sizes = [int(row["what"].split(", ")[1].partition(" nodes")[0].replace(",", "")) for row in mine]
        axes.plot(sizes, [row["value"] for row in mine], marker="o", label=storage)
    axes.axhline(20, linestyle=":", color="gray")
    axes.set(xlabel="nodes", ylabel="API requests per drift", xscale="log", ylim=(0, None))
    axes.legend()
    _save("requests")


def _save(name: str) -> None:
    plt.tight_layout()
    plt.savefig(DOCS / f"{name}.svg", metadata={"Date": None})
    plt.close()


if __name__ == "__main__":
    plt.switch_backend("svg")
    plt.rcParams["svg.hashsalt"] = "vm-drift"  # the same figures make the same file
    for picture in (added, requests):
        if (RESULTS / f"{picture.__name__}.json").exists():
            picture()
        else:
            sys.stderr.write(f"no picture of {picture.__name__}: make bench ARGS={picture.__name__} measures it\n")
