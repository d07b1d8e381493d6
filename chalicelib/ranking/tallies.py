"""Tallies: records counted anew in rank order, node by node, and what the counters say otherwise."""

from collections.abc import Iterator, Mapping

from chalicelib.ranking.bins import Path, Shape, is_leaf
from chalicelib.ranking.nodes import Counts

Tally = dict[Path, dict[int, int]]
"""Records found below each child of a node."""


def add(tally: Tally, path: Path) -> None:
    """Count a record of the bin at a path in every node above it."""
    for depth, digit in enumerate(path):
        counts = tally.setdefault(path[:depth], {})
        counts[digit] = counts.get(digit, 0) + 1


def take_finished(tally: Tally, path: Path | None) -> Tally:
    """Take out the nodes below which no record can come any more.

    Args:
        path: The bin of the last record found; None: there are no more records at all.

    >>> tally = {(): {53: 2}, (53,): {0: 1, 1: 1}, (53, 0): {7: 1}, (53, 1): {2: 1}}
    >>> take_finished(tally, (53, 1, 2))
    {(53, 0): {7: 1}}
    """
    finished = [node for node in tally if path is None or path[: len(node)] != node]
    return {node: tally.pop(node) for node in finished}


def doubts(shape: Shape, node: Path, found: Counts, counted: Counts, below: Mapping[Path, Counts]) -> Iterator[Path]:
    """Yield the children of a node whose counter is not what it should be.

    Args:
        found: The records found below each child.
        counted: The node's counters.
        below: The counters of the child nodes.

    Yields:
        A bin whose counter differs from the records found in it, or a node whose counters do not add up to the
        counter above it.
    """
    for child in sorted({*found, *counted}):
        path = (*node, child)
        expected = found.get(child, 0) if is_leaf(shape, path) else sum(below.get(path, {}).values())
        if counted.get(child, 0) != expected:
            yield path


def child_nodes(shape: Shape, node: Path, found: Counts, counted: Counts) -> list[Path]:
    """Return the nodes below a node that are or should be there; none where its children are bins."""
    return [path for child in sorted({*found, *counted}) if not is_leaf(shape, path := (*node, child))]
