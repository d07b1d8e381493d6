"""Batches of settles as they come: players who are new on a board, or who beat their own best."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.capacity import TRANSACTIONAL
from bench.ranking.census import Tree
from bench.ranking.spreads import SUBVALUE_BITS, Chance, Column, Spread
from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Path
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS

NEWCOMERS, NEAR, FAR = "newcomers", "near improvements", "far improvements"
_LITTLE = 0.05
_CANDIDATES = 64
"""For each player wanted: enough for some of them to beat what they have."""
Pair = tuple[Path | None, Path]
"""The bin a player leaves, None for a newcomer, and the one entered."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Players, each once, by their row on the board before, and their values after; newcomers have no row."""

    rows: Column | None
    after: Column


def newcomers(spread: Spread, standing: Column, chance: Chance, size: int) -> Batch:
    del standing
    return Batch(None, spread.draw(chance, size))


def near_improvements(spread: Spread, standing: Column, chance: Chance, size: int) -> Batch:
    """Return players who got better by up to 5 percent of what they had: of their subscores, where there are any."""
    rows = chance.choice(len(standing), size, replace=False, shuffle=False)
    before = standing[rows]
    had = before & ((1 << SUBVALUE_BITS) - 1) if spread.subscores else np.abs(before)
    steps = np.rint(had * chance.uniform(0, _LITTLE, size)).astype(np.int64)
    return Batch(rows, before - np.maximum(1, steps))


def far_improvements(spread: Spread, standing: Column, chance: Chance, size: int) -> Batch:
    """Return players who played once more, and came out better.

    No skill ties the new score to the old one, so the two seldom share a node: the dearest way to improve.
    """
    rows = chance.permutation(np.unique(chance.integers(0, len(standing), size * _CANDIDATES)))
    after = spread.draw(chance, len(rows))
    better = np.flatnonzero(after < standing[rows])[:size]
    return Batch(rows[better], after[better])


DRAWS: Mapping[str, Callable[[Spread, Column, Chance, int], Batch]] = {
    NEWCOMERS: newcomers,
    NEAR: near_improvements,
    FAR: far_improvements,
}


def pairs(tree: Tree, standing: Column, batch: Batch) -> list[Pair]:
    """Return the bins that a batch's players leave and enter."""
    entered = map(tree.path, tree.bins(batch.after).tolist())
    left: Iterator[Path | None] = iter([None] * len(batch.after))
    if batch.rows is not None:
        left = map(tree.path, tree.bins(standing[batch.rows]).tolist())
    return list(zip(left, entered, strict=True))


def write_units(moved: Sequence[Pair]) -> int:
    """Return the units of settling a batch: its marks and the nodes between, each below 1 KB, in transactions."""
    return TRANSACTIONAL * sum(map(_items, transactions(moved)))


def transactions(moved: Sequence[Pair]) -> list[Sequence[Pair]]:
    """Return a batch as chalicelib/services/settle.py sends it: whole, or neighbours in rank as far as they fit."""
    if _items(moved) <= MAX_TRANSACTION_ITEMS:
        return [moved]
    groups: list[list[Pair]] = []
    written: set[Path] = set()
    for pair in sorted(moved, key=lambda pair: pair[1]):
        touched = {node for path in pair if path is not None for node in nodes.nodes_on(path)}
        if not groups or len(groups[-1]) + 1 + len(written | touched) > MAX_TRANSACTION_ITEMS:
            groups.append([])
            written = set()
        groups[-1].append(pair)
        written |= touched
    return [*groups]


def _items(moved: Sequence[Pair]) -> int:
    return len(moved) + len(nodes.moves(moved))
