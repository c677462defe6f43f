"""Nodes -> outages: a list-and-watch, a verdict per node, an event per change, and the resync.

What does not belong here: VMs and drifts. This package asks the API server for Nodes and nothing else.
"""
