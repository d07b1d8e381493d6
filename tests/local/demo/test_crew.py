import time
from threading import Event

import pytest

from local.demo.crew import Crew

PATIENCE_SECONDS = 60


def test_results_come_in_the_order_of_the_tasks() -> None:
    finished: list[None] = []

    def work(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    with Crew(4) as crew:
        results = crew.each(work, [0.02, 0.0, 0.01], lambda: finished.append(None))

    assert results == [0.02, 0.0, 0.01]
    assert len(finished) == 3


def test_after_the_first_failure_nothing_is_begun() -> None:
    begun: list[int] = []
    told = Event()

    def work(task: int) -> None:
        begun.append(task)
        if task == 0:
            raise ValueError(task)
        told.wait(PATIENCE_SECONDS)

    with Crew(1) as crew:
        with pytest.raises(ValueError, match="0"):
            crew.each(work, range(100), lambda: None)
        told.set()

    assert begun in ([0], [0, 1])
