"""The clocks of a simulated world's processes: none of them need show the true time."""

from collections.abc import Callable

from reactor.model.times import Clock


class ProcessClock:
    """What a machine's clock shows while `true` passes: `ahead` seconds more, and each second `drift` seconds more."""

    def __init__(self, true: Clock, ahead: float = 0.0, drift: float = 0.0) -> None:
        self._true, self._ahead, self._drift, self._since = true, ahead, drift, true()
        self._stepped = 0.0

    def __call__(self) -> float:
        return self._true() + self.ahead

    def steady(self) -> float:
        """What the same machine's monotonic clock shows: nobody sets it."""
        return self() - self._stepped

    @property
    def ahead(self) -> float:
        """Seconds by which it is ahead now, negative for behind."""
        return self._ahead + self._drift * (self._true() - self._since)

    def step(self, seconds: float) -> None:
        """It jumps forward, or back if negative, as when NTP finds out or a person sets it."""
        self._stepped += seconds
        self._set(self.ahead + seconds, self._drift)

    def gain(self, drift: float) -> None:
        """From now on it gains so much each second, or loses it if negative."""
        self._set(self.ahead, drift)

    def right(self) -> None:
        """From now on it shows the true time."""
        self.step(-self.ahead)
        self.gain(0.0)

    def moment(self, shown: float) -> float:
        """The true time at which it will show this, if nobody sets it."""
        now = self._true()
        return now + (shown - self()) / (1 + self._drift)

    def _set(self, ahead: float, drift: float) -> None:
        self._ahead, self._drift, self._since = ahead, drift, self._true()


Clocks = Callable[[str], ProcessClock]  # by the name of a process
