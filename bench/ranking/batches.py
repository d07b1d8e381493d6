"""Settles as they come: batches of players who are new on a board, or who beat their own best."""

from collections.abc import Sequence

import numpy as np

from bench.capacity import TRANSACTIONAL
from bench.ranking.census import Tree
from bench.ranking.spreads import Chance, Column, Spread
from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Path
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS

Pair = tuple[Path | None, Path]
"""The bin a player leaves, None for a newcomer, and the one entered."""
_CANDIDATES = 64
"""For each player wanted: enough for the best of a million to be beaten now and then."""


def newcomers(tree: Tree, spread: Spread, chance: Chance, size: int) -> list[Pair]:
    bins = tree.bins(spread.draw(chance, size))
    return [(None, tree.path(each)) for each in bins.tolist()]


def improvements(tree: Tree, spread: Spread, standing: Column, chance: Chance, size: int) -> list[Pair]:
    """Return moves of players who played once more and came out better: anybody, to anywhere above.

    No skill ties the new score to the old one, so the two seldom share a node: real players move less far.
    """
    before, after = improved(spread, standing, chance, size)
    pairs = zip(tree.bins(standing[before]).tolist(), tree.bins(after).tolist(), strict=True)
    return [(tree.path(old), tree.path(new)) for old, new in pairs]


def improved(spread: Spread, standing: Column, chance: Chance, size: int) -> tuple[Column, Column]:
    """Return who improved, by row of ``standing``, each once, and their new values."""
    rows = np.unique(chance.integers(0, len(standing), size * _CANDIDATES))
    rows = chance.permutation(rows)
    values = spread.draw(chance, len(rows))
    better = np.flatnonzero(values < standing[rows])[:size]
    return rows[better], values[better]


def write_units(pairs: Sequence[Pair]) -> int:
    """Return the units of settling a batch: its marks and the nodes between, each below 1 KB, in transactions.

    A batch that is too large for one transaction goes in halves, as chalicelib/services/settle.py sends it.
    """
    items = len(pairs) + len(nodes.moves(pairs))
    if items <= MAX_TRANSACTION_ITEMS:
        return TRANSACTIONAL * items
    half = len(pairs) // 2
    return write_units(pairs[:half]) + write_units(pairs[half:])
