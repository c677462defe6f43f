"""What differs from time to time and yet repeats with the seed."""

import random


class Jitter:
    """Times drawn from a seed, for one purpose; each node has a sequence of its own, whoever else draws."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._seed = f"{seed}/{purpose}"
        self._drawn: dict[str, random.Random] = {}

    def between(self, node: str, least: float, most: float) -> float:
        """The node's next time, in seconds; `least` where `most` is not more."""
        if node not in self._drawn:
            self._drawn[node] = random.Random(f"{self._seed}/{node}")  # noqa: S311 - it must repeat with the seed
        return self._drawn[node].uniform(least, max(least, most))
