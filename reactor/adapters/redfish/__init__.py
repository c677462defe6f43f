"""Baseboard management controllers (BMCs) over Redfish: power state, system UUID, and the power switch.

What does not belong here: whether a node may be powered off (`workers.fencing.decide`).
"""
