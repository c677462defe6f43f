"""The sign of life of roles without HTTP."""

import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reactor.liveness import LivenessFile, trouble
from reactor.process import Stop


def test_whoever_asks_whether_to_stop_shows_that_it_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    assert trouble(str(file), 30).startswith(f"{file} contains no heartbeat: ")
    stop = Stop(str(file))
    assert not stop.asked()
    assert trouble(str(file), 30) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["heartbeat"]


def test_a_long_job_shows_it_too(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    Stop(str(file)).is_older_than(3.0)
    assert trouble(str(file), 30) == ""


def test_an_old_one_is_trouble(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    file.write_text(f"{time.monotonic() - 100:.1f}")
    assert trouble(str(file), 30).endswith(" is 100 s old; at most 30 s are allowed")


@pytest.mark.parametrize("text", ["", "now", "\x00"])
def test_what_is_no_heartbeat_is_trouble(tmp_path: Path, text: str) -> None:
    file = tmp_path / "heartbeat"
    file.write_text(text)
    assert "contains no heartbeat" in trouble(str(file), 30)


def test_a_file_that_cannot_be_written_is_told_once_and_stops_nobody(tmp_path: Path) -> None:
    beat = LivenessFile(str(tmp_path / "none" / "heartbeat"), every=0.0)
    with capture_logs() as log:
        beat.beat()
        beat.beat()
    assert [line["event"] for line in log] == ["heartbeat cannot be written"]
