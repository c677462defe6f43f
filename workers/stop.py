"""How a process of RQ's stops: at once where it waits, else as soon as nothing is half-done.

RQ's own handlers raise: at the first signal while it waits for a job, which loses one that comes at this moment; at the
second signal wherever it is, which makes the running job a failed one. And they ask Redis, which may be away.
"""

import time


class Stop:
    """Whether this process was asked to stop, and when first; asking again changes nothing."""

    def __init__(self) -> None:
        self._at: float | None = None  # monotonic seconds

    def ask(self, *_: object) -> None:
        """A signal handler; it does nothing but remember."""
        if self._at is None:
            self._at = time.monotonic()

    def asked(self) -> bool:
        """Whether to stop."""
        return self._at is not None

    def is_older_than(self, seconds: float) -> bool:
        """Whether it was asked so long ago."""
        return self._at is not None and time.monotonic() - self._at > seconds


class Stoppable:
    """For RQ's worker and scheduler: the flag that they look at in all their loops is the process' own."""

    stopping: Stop

    @property
    def _stop_requested(self) -> bool:
        return self.stopping.asked()

    @_stop_requested.setter
    def _stop_requested(self, _: bool) -> None:
        """RQ begins with a flag of its own."""

    def _install_signal_handlers(self) -> None:
        """The process has its own."""
