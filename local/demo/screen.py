"""What the demo shows: tables, progress, and colours where there is a terminal to show them."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from PIL import Image
from tqdm import tqdm

from local.demo.boards import Board
from local.demo.gallery import gallery

BOLD, GREEN, RED, PLAIN = "\033[1m", "\033[32m", "\033[31m", "\033[0m"
REPORT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: somebody's place on a board."""

    rank: int
    name: str
    score: int
    subscore: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Somebody's place on a board, with the picture and where it was found."""

    line: Line
    url: str
    picture: Image.Image


class Screen:
    """Writes to ``out``; without a terminal: no colours, and progress as a line now and then."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._colours = self._terminal and not os.environ.get("NO_COLOR")

    def say(self, text: str = "", colour: str = "") -> None:
        print(f"{colour}{text}{PLAIN}" if colour and self._colours else text, file=self._out, flush=True)

    def show(self, title: str, board: Board, lines: Sequence[Line]) -> None:
        self.say(f"\n{title}", BOLD)
        for line, text in zip(lines, table(board, lines), strict=True):
            self.say(text, BOLD if line.marked else "")

    def hang(self, title: str, board: Board, exhibits: Sequence[Exhibit]) -> None:
        """Show pictures, or without colours where they are."""
        self.say(f"\n{title}", BOLD)
        lines = [exhibit.line for exhibit in exhibits]
        if self._colours:
            captions = [(f"{line.rank}  {line.name}", board.shown(line.score, line.subscore)) for line in lines]
            self.say("\n" + "\n".join(gallery([exhibit.picture for exhibit in exhibits], captions)))
            return
        for text, exhibit in zip(table(board, lines), exhibits, strict=True):
            self.say(f"{text}  {exhibit.url}")

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[], object]]:
        """Yield what is to be called after each of ``total`` steps."""
        if not self._terminal:
            yield _Milestones(self, label, total).step
            return
        with tqdm(
            total=total, desc=f"{label:<11}", file=self._out, ncols=78, smoothing=0.1, unit="", leave=True
        ) as bar:
            yield bar.update


def table(board: Board, lines: Sequence[Line]) -> list[str]:
    """Return the lines as columns: rank and score to the right, names to the left.

    >>> from local.demo.boards import points
    >>> for text in table(points("b"), [Line(1, "Zoë", 1200, 0), Line(10, "Al", 90, 0, marked=True)]):
    ...     print(text)
           1  Zoë  1,200
    >     10  Al      90
    """
    scores = [board.shown(line.score, line.subscore) for line in lines]
    name_width = max((len(line.name) for line in lines), default=0)
    score_width = max(map(len, scores), default=0)
    return [
        f"{'>' if line.marked else ' '} {line.rank:>6,}  {line.name:<{name_width}}  {score:>{score_width}}"
        for line, score in zip(lines, scores, strict=True)
    ]


class _Milestones:
    """Progress for a log: a line every ten seconds, and one at the end."""

    def __init__(self, screen: Screen, label: str, total: int) -> None:
        self._screen, self._label, self._total = screen, label, total
        self._count = 0
        self._reported = time.monotonic()

    def step(self) -> None:
        self._count += 1
        now = time.monotonic()
        if self._count == self._total or now >= self._reported + REPORT_SECONDS:
            self._reported = now
            self._screen.say(f"{self._label}: {self._count:,} of {self._total:,}")


def milliseconds(seconds: Sequence[float], share: float) -> str:
    """Return the duration that ``share`` of all did not exceed.

    >>> milliseconds([0.004, 0.002, 0.009], 0.5)
    '4 ms'
    """
    ordered = sorted(seconds)
    return f"{1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.0f} ms"
