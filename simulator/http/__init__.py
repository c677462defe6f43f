"""The simulated API server over HTTP, and clients that speak HTTP: in real time, for real processes.

What does not belong here: what the API does with a request (`simulator.api`).
"""
