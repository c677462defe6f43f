"""The adapters' twins for virtual time: the same interfaces, in memory, held against the real ones by contract tests.

They imitate what the adapters promise, never how Redis, RQ or HTTP come to it.
"""
