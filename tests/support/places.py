"""Where things are in the repository, so that no test counts how deep it lies."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
K8S = ROOT / "k8s"
REPORTS = ROOT / "tests" / "reports"  # dumps of clusters, as users sent them
TRACES = ROOT / "tests" / "traces"  # objects recorded from a real control plane
