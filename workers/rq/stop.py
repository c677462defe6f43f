"""How RQ's worker stops: at once where it waits, else as soon as nothing is half-done.

RQ's own handlers raise: at the first signal while it waits for a job, which loses one that comes at this moment; at the
second signal wherever it is, which makes the running job a failed one. And they ask Redis, which may be away.
"""

from reactor.process import Stop


class Stoppable:
    """The flag that RQ looks at in all its loops is the process' own."""

    stopping: Stop

    @property
    def _stop_requested(self) -> bool:
        return self.stopping.asked()

    @_stop_requested.setter
    def _stop_requested(self, _: bool) -> None:
        """RQ begins with a flag of its own."""

    def _install_signal_handlers(self) -> None:
        """The process has its own."""
