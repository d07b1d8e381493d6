"""Histograms: where the bars of a board's distribution begin, and what the nodes count before each of them.

All in directed scores, best first: a bar reaches from its border up to, not including, the next one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from chalicelib.domain.boards import INT64_MAX
from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Bin, Path, Shape, bin_of, range_below
from chalicelib.ranking.nodes import Counts

_OVERVIEW_DIGITS = 2


def borders(best: int, worst: int, bars: int, digits: int) -> list[int]:
    """Return the borders of at most ``bars`` bars that hold the scores from ``best`` to ``worst``, ascending.

    The range is cut into equal steps, and each cut is moved to the beginning of its bin: cuts in one bin become one.
    So the first bar may begin before ``best``, and the last one, whose end is the last border, end past ``worst``.

    >>> borders(0, 99, 4, digits=3)
    [0, 25, 50, 75, 100]
    >>> borders(8191, 8194, 4, digits=3)
    [8191, 8192, 8194, 8196]
    """
    size = worst + 1 - best
    cuts = (best + size * step // bars for step in range(bars))
    return [*dict.fromkeys(bin_of(cut, digits).first for cut in cuts), bin_of(worst, digits).last + 1]


def overview(count_by_child: Mapping[Path, int], shape: Shape) -> tuple[Counter[Bin], list[Path]]:
    """Return what some children count, by the bins of a tree of two digits, and the children that are wider than those.

    Such a bin is at most 1/64 of its score wide; scores below 128 in magnitude have one of their own.
    """
    counts: Counter[Bin] = Counter()
    wider = []
    for path, count in count_by_child.items():
        best, worst = range_below(shape, path)
        coarse = bin_of(best, _OVERVIEW_DIGITS)
        if worst <= coarse.last:
            counts[coarse] += count
        else:
            wider.append(path)
    return counts, wider


def paths(values: Iterable[int], digits: int) -> list[Path]:
    """Return where the borders stand in the tree; one past the last score stands nowhere."""
    return [bin_of(value, digits).digits for value in values if value <= INT64_MAX]


def wanted(paths_to_borders: Iterable[Path], depth: int, counts_by_node: Mapping[Path, Counts]) -> list[Path]:
    """Return the nodes of a depth that count records before some border, as far as the levels above count any there.

    A border that begins a whole subtree, as powers of two do, takes no node of it.
    """
    ahead = dict.fromkeys(path[:depth] for path in paths_to_borders if any(path[depth:]))
    return [node for node in ahead if not node or counts_by_node.get(node[:-1], {}).get(node[-1], 0)]


def before(border: int, digits: int, counts_by_node: Mapping[Path, Counts]) -> int:
    """Return how many counted records have a better score than a border, which begins a bin or ends all."""
    if border > INT64_MAX:
        return nodes.total(counts_by_node)
    return nodes.better(bin_of(border, digits).digits, counts_by_node)


def between(counts_before: Sequence[int]) -> list[int]:
    """Return how many records lie between neighbouring borders.

    Counters read one after the other may disagree while records move: no bar has less than none.

    >>> between([0, 2, 2, 7])
    [2, 0, 5]
    """
    return [max(0, after - count) for count, after in pairwise(counts_before)]
