"""The vocabulary: identities, nodes, events, drifts, reasons, errors. Pure: standard library, and durationpy.

What does not belong here: input or output of any kind, settings, and the rules by which a drift is decided
(`workers.decide`).
"""
