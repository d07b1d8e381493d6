"""Nodes: the counters of the rank index and the arithmetic on them.

A node is named by the digits that lead to it, () being the root, and counts the records below each of its children.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from chalicelib.ranking.bins import Path

Counts = Mapping[int, int]
"""Records below each child, by the child's digit."""
Deltas = dict[Path, dict[int, int]]
"""What to add to each child's counter, by node and child."""


def nodes_on(path: Path) -> list[Path]:
    """Return the nodes from the root to the one that counts the path's bin.

    >>> nodes_on((53, 0, 5))
    [(), (53,), (53, 0)]
    """
    return [path[:depth] for depth in range(len(path))]


def better(path: Path, counts_by_node: Mapping[Path, Counts]) -> int:
    """Return how many counted records stand in bins better than the path's."""
    return sum(
        count
        for depth, digit in enumerate(path)
        for child, count in counts_by_node.get(path[:depth], {}).items()
        if child < digit
    )


def total(counts_by_node: Mapping[Path, Counts]) -> int:
    """Return how many records are counted on the board."""
    return sum(counts_by_node.get((), {}).values())


def moves(pairs: Iterable[tuple[Path | None, Path | None]]) -> Deltas:
    """Return what to add to which counters when records move from old paths to new ones.

    None stands for counted nowhere. Counters that cancel out are left out, shared nodes collapse.

    >>> moves([((53, 0, 5), (53, 0, 7))])
    {(53, 0): {5: -1, 7: 1}}
    """
    deltas: defaultdict[Path, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for old, new in pairs:
        for path, step in ((old, -1), (new, 1)):
            for depth, digit in enumerate(path or ()):
                deltas[(path or ())[:depth]][digit] += step
    settled = {node: {child: n for child, n in children.items() if n} for node, children in deltas.items()}
    return {node: children for node, children in settled.items() if children}


def child_at(counts: Counts, offset: int) -> tuple[int, int] | None:
    """Return the child that holds the record at a 0-based offset below a node, and the offset within that child.

    None when the node counts no more than ``offset`` records.
    """
    for child in sorted(counts):
        if offset < counts[child]:
            return child, offset
        offset -= counts[child]
    return None


def added(counts: Iterable[Counts]) -> dict[int, int]:
    """Return the sum of the same node's counters over all lanes."""
    sums: defaultdict[int, int] = defaultdict(int)
    for lane in counts:
        for child, count in lane.items():
            sums[child] += count
    return dict(sums)
