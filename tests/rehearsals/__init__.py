"""Golden rehearsals: six clusters as dumps, and what `vmdrift rehearse --each` says of each.

`python -m tests.rehearsals.golden --write` makes the dumps (tests.rehearsals.clusters) and the answers anew.
"""
