"""Proof that a lost node is dead: `run` makes one pass over one lost node's fencing, `act` does what was decided.

`decide` judges (pure), `providers` ask others to fence and read what came of it. What does not belong here: releasing
VMs; a drift reads the proof that is written down here.
"""
