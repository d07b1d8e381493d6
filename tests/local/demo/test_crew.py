import time

import pytest

from local.demo.crew import Crew


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

    def work(task: int) -> None:
        begun.append(task)
        if task == 0:
            raise ValueError(task)
        time.sleep(0.01)

    with Crew(1) as crew, pytest.raises(ValueError, match="0"):
        crew.each(work, range(100), lambda: None)

    assert len(begun) < 10
