"""What the simulated API server does with a request: rights, admission, strategies, patches, watches; in process.

What does not belong here: HTTP (`simulator.http`), and whoever acts on what changes (`simulator.actors`).
"""
