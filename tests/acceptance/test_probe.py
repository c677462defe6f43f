"""`vmdrift probe`: a role that goes on is alive, also while Redis is away; one that hangs is not."""

import pytest

from tests.acceptance.story import Stage, beating
from tests.support.commands import vmdrift


@pytest.mark.parametrize("role", beating())
def test_a_role_that_goes_on_without_redis_is_alive_and_one_that_hangs_is_not(story: Stage, role: str) -> None:
    assert story.seen[f"trouble: {role}"].code == 0
    hanging = story.seen[f"broken: {role}"]
    assert hanging.code == 1
    assert "s old; at most 3 s are allowed" in hanging.err


def test_without_a_file_to_look_at_it_says_so() -> None:
    done = vmdrift("probe")
    assert (done.code, done.err) == (
        2,
        "vmdrift probe: VMDRIFT_HEARTBEAT_FILE: not set, so there is no heartbeat to check\n",
    )
