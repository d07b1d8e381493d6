"""The crew: a few threads that work through many tasks, and stop at the first failure."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Self, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# One process serves everything on the other side: more would wait there instead of here, and take memory.
THREADS = 4


class Crew:
    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, "demo")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def each(self, work: Callable[[Task], Result], tasks: Sequence[Task], done: Callable[[], object]) -> list[Result]:
        """Return the results in the tasks' order; raise the first failure, and let what has not begun be.

        Args:
            done: Called on this thread whenever a task is finished.
        """
        futures = [self._pool.submit(work, task) for task in tasks]
        try:
            for future in as_completed(futures):
                future.result()
                done()
        finally:
            for future in futures:
                future.cancel()
        return [future.result() for future in futures]
