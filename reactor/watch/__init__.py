"""Nodes -> outages: a list-and-watch, a verdict per node, an event per change, and the resync.

And, while an outage is open, a summary of all Nodes and Leases, by which workers judge. What does not belong here: VMs
and drifts. This package asks the API server for Nodes and their Leases, and nothing else.
"""
