"""Outages and others' events taken in: each VM of a lost node gets one drift.

`outage` looks a node up and starts the `sweep` for its VMs, `begin` writes a drift's first record, `events` looks up
what others reported. What does not belong here: judging a VM.
"""

from workers.intake.outage import take_event

__all__ = ["take_event"]
