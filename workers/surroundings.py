"""A name of 0.1.0, for scripts that import it; gone with 0.3. It is in `workers.observe.cache` (docs/renames.md)."""

from workers.observe.cache import Surroundings

__all__ = ["Surroundings"]
