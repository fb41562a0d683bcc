"""Manners: turns, pauses, intervals. A clock of the test's own stands in for that of the machine."""

from __future__ import annotations

import email.utils
import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest

from vae.archive.download import gate as module
from vae.archive.download.gate import Gate, StoppedError, TroubleError, persist, retry_after
from vae.errors import DownloadError


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.stopped = False

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.stopped


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock.monotonic)
    return clock


def test_requests_keep_their_distance(clock: Clock) -> None:
    gate = Gate(4.0, clock)  # type: ignore[arg-type]
    times = []
    for _ in range(9):
        gate.enter()
        times.append(clock.now - 1000.0)
    assert times == pytest.approx([0.25 * i for i in range(9)])
    assert gate.requests == 9
    clock.now += 100.0  # a long rest earns no burst
    gate.enter()
    gate.enter()
    assert clock.now - 1000.0 == pytest.approx(102.25)


def test_a_pause_holds_for_everybody(clock: Clock) -> None:
    gate = Gate(1000.0, clock)  # type: ignore[arg-type]
    gate.close(30.0)
    gate.close(5.0)  # does not shorten it
    gate.enter()
    assert clock.now == pytest.approx(1030.0)


def test_nobody_waits_when_the_run_is_stopped() -> None:
    stop = threading.Event()
    gate = Gate(1e-3, stop)
    gate.enter()
    stop.set()
    with pytest.raises(StoppedError):
        gate.enter()


def tries(clock: Clock, troubles: list[TroubleError], **options: float) -> list[float]:
    """When each try was made."""
    times: list[float] = []

    def work() -> None:
        times.append(clock.now - 1000.0)
        if troubles:
            raise troubles.pop(0)

    chosen = {"retries": 6, "backoff": 1.0, "patience": 600.0} | options
    persist(work, Gate(1e6, clock), name="x", **chosen)  # type: ignore[arg-type]
    return times


def test_intervals_grow(clock: Clock) -> None:
    times = tries(clock, [TroubleError("no") for _ in range(6)])
    intervals = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(intervals) == 6
    for i, interval in enumerate(intervals):
        assert 0.75 * 2**i <= interval <= 1.25 * 2**i


def test_the_interval_is_the_servers_where_it_names_one(clock: Clock) -> None:
    def work() -> float:
        gate.enter()
        if not troubles:
            return clock.now - 1000.0
        raise troubles.pop(0)

    gate, troubles = Gate(1e6, clock), [TroubleError("no", wait=120.0)]  # type: ignore[arg-type]
    assert persist(work, gate, retries=1, backoff=1.0, patience=600.0, name="x") == pytest.approx(120.0)


def test_there_is_an_end_to_it(clock: Clock) -> None:
    with pytest.raises(TroubleError, match="last"):
        tries(clock, [*(TroubleError("no") for _ in range(6)), TroubleError("last")])
    with pytest.raises(DownloadError, match="left alone for 601 s"):
        tries(clock, [TroubleError("busy", wait=601.0)])


def test_a_pause_is_a_number_or_a_date() -> None:
    assert retry_after("120") == 120.0
    assert retry_after(" 0 ") == 0.0
    assert retry_after(None) is None
    assert retry_after("soon") is None
    assert retry_after("-5") is None
    later = datetime.now(UTC) + timedelta(minutes=10)
    assert retry_after(email.utils.format_datetime(later, usegmt=True)) == pytest.approx(600.0, abs=60.0)
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after("Wed, 21 Oct 2015 07:28:00 -0000") == 0.0
