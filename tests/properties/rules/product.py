"""The control plane and the product's own processes die, stand still, forget, and have wrong clocks."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.fate import Blow
from tests.properties.happen.product import PROCESSES
from tests.properties.rules.lives import PAUSES, Lives

_LATE = st.booleans()
# At a DELETE, or at one of the reads before and after it.
_AT = st.one_of(
    st.tuples(st.just("delete"), st.integers(0, 2)),
    st.tuples(st.sampled_from(("get", "list")), st.integers(0, 30)),
)
_CODES = st.sampled_from((403, 409, 429, 500, 503, 504))
_PROCESS = st.sampled_from(PROCESSES)


class ProductRules(Lives):
    """What happens to the control plane and to us."""

    @rule(pause=PAUSES)
    def the_controller_manager_dies(self, pause: float) -> None:
        self.after(pause).manager_dies()

    @rule(pause=PAUSES, skew=st.sampled_from((-600.0, -9.0, 0.0, 0.0, 9.0, 600.0)))
    def another_controller_manager_leads(self, pause: float, skew: float) -> None:
        self.after(pause).manager_leads(skew)

    @rule(
        pause=PAUSES,
        process=_PROCESS,
        seconds=st.sampled_from((-3600.0, -200.0, -75.0, -9.0, 9.0, 75.0, 200.0, 3600.0)),
    )
    def the_clock_of_a_process_steps(self, pause: float, process: str, seconds: float) -> None:
        self.after(pause).step_clock(process, seconds)

    @rule(pause=PAUSES, seconds=st.sampled_from((-400.0, -9.0, 9.0, 75.0, 400.0)))
    def the_clock_of_redis_steps(self, pause: float, seconds: float) -> None:
        self.after(pause).step_clock("redis", seconds)

    @rule(pause=PAUSES, process=_PROCESS, rate=st.sampled_from((-0.01, -0.0005, 0.0005, 0.01)))
    def the_clock_of_a_process_drifts(self, pause: float, process: str, rate: float) -> None:
        self.after(pause).drift_clock(process, rate)

    @rule(pause=PAUSES, process=_PROCESS, away=st.integers(1, 300).map(float))
    def a_process_dies(self, pause: float, process: str, away: float) -> None:
        self.after(pause).kill(process, away)

    @rule(pause=PAUSES, at=_AT, late=_LATE)
    def a_worker_is_killed(self, pause: float, at: tuple[str, int], *, late: bool) -> None:
        self.after(pause).fate.blows.append(Blow("kill", *at, late=late))

    @rule(pause=PAUSES, at=_AT, late=_LATE, size=st.integers(1, 40))
    def a_worker_stands_still(self, pause: float, at: tuple[str, int], size: int, *, late: bool) -> None:
        self.after(pause).fate.blows.append(Blow("pause", *at, size=size, late=late))

    @rule(pause=PAUSES, at=_AT, late=_LATE)
    def redis_loses_its_last_second_under_a_worker(self, pause: float, at: tuple[str, int], *, late: bool) -> None:
        self.after(pause).fate.blows.append(Blow("forget", *at, late=late))

    @rule(pause=PAUSES, at=_AT, late=_LATE, times=st.integers(1, 30), code=_CODES)
    def the_api_server_refuses(self, pause: float, at: tuple[str, int], times: int, code: int, *, late: bool) -> None:
        self.after(pause).fate.blows.append(Blow("error", *at, times, size=code, late=late))

    @rule(pause=PAUSES, what=st.sampled_from(("crash", "lose_last_second", "again")))
    def the_product_is_struck(self, pause: float, what: str) -> None:
        getattr(self.after(pause), what)()

    @rule(pause=PAUSES, over=st.booleans())
    def old_news_are_told_again(self, pause: float, *, over: bool) -> None:
        self.after(pause).tell(over=over)
