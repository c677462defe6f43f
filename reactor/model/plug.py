"""What the agent of a plug read: a plug is whatever can be switched to take a node's power, and remembers nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlugReading:
    """`plug`: for a sentence; `id`: the same as long as the node's file names the same outlet of the same device.

    `feed`: it is an outlet that feeds the machine, so with power the machine may be on or off; else it is the machine's
    own power.
    """

    plug: str
    id: str
    feed: bool
    on: bool
