"""The admission policies that k8s/ ships, of all roles."""

from pathlib import Path

K8S = Path(__file__).parents[1] / "k8s"
FILES = (K8S / "base" / "admission.yaml", K8S / "components" / "fencing" / "admission.yaml")
SHIPPED = "\n---\n".join(file.read_text() for file in FILES)
