"""Others' events: an HTTP request becomes CloudEvents of the types that we take in, and they are accepted or refused.

What does not belong here: what an event means for a node. An event is a hint; `workers.intake.events` looks it up.
"""
