"""ClusterLabs' fence agents: is what a node's file names on or off, and its switch. Each agent is a process.

What does not belong here: whether a node may be fenced, and what a reading proves (`workers.fencing`).
"""
