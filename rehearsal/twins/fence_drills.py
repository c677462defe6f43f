"""`reactor.adapters.redis.fence_drills.FenceDrills` in memory."""

from collections.abc import Iterable

from reactor.model.fence_drill import FenceDrill


class MemoryFenceDrills:
    """They last for ever."""

    def __init__(self) -> None:
        self.written: dict[tuple[str, str], FenceDrill] = {}

    def write(self, drills: Iterable[FenceDrill], gone: Iterable[FenceDrill] = ()) -> None:
        for drill in gone:
            self.written.pop((drill.node, drill.provider), None)
        self.written |= {(drill.node, drill.provider): drill for drill in drills}

    def all(self) -> list[FenceDrill]:
        return [drill for _, drill in sorted(self.written.items())]
