"""One pass over one drift: `run` locks the VM, observes, decides, acts and records; `act` makes the cluster calls.

What does not belong here: RQ, and the judgement itself (`workers.decide`).
"""
