"""`python -m tests.crds`: writes the schema of each such kind that the overlays build."""

import json

from tests.crds import made, place
from tests.support.manifests import foreign

for api_version, kind in foreign():
    place(api_version, kind).write_text(json.dumps(made(api_version, kind), separators=(",", ":")) + "\n")
