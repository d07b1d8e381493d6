"""The database in memory counts for settles what the simulation predicts of them, and leaves the index exact."""

import numpy as np
import pytest

from bench.ranking import batches, settles
from bench.ranking.batches import DRAWS
from bench.ranking.census import Census, Tree
from bench.ranking.settles import Settling, node_items
from bench.ranking.spreads import SPREADS, Spread
from tests.expressions import Item
from tests.tables import PREFIX

TRIED = [SPREADS[0], SPREADS[4], SPREADS[6]]


@pytest.mark.parametrize("spread", TRIED, ids=lambda spread: spread.name)
@pytest.mark.parametrize("players", DRAWS)
def test_a_batch_consumes_what_is_predicted(spread: Spread, players: str) -> None:
    settling = Settling(spread, np.sort(spread.values(300)))
    batch = DRAWS[players](spread, settling.values, np.random.default_rng(1), 25)
    moved = batches.pairs(Tree(3, spread.subscores), settling.values, batch)

    settling.settle(batch)

    assert settling.meter.units_by_operation["TransactWriteItems"] == batches.write_units(moved)


@pytest.mark.parametrize("spread", TRIED, ids=lambda spread: spread.name)
def test_settled_improvements_leave_the_index_of_the_new_scores(spread: Spread) -> None:
    settling = Settling(spread, np.sort(spread.values(300)))
    for number in range(3):
        settling.settle(batches.far_improvements(spread, settling.values, np.random.default_rng(number), 25))

    expected = {item["pk"]["S"]: item for item in _nodes_of(settling)}
    for item in settling.meter.memory.items(f"{PREFIX}ranks"):
        counters = {name: value for name, value in item.items() if value != {"N": "0"}}
        if item["pk"]["S"].startswith("node#") and len(counters) > 1:
            assert counters == expected.pop(item["pk"]["S"])
    assert not expected


def _nodes_of(settling: Settling) -> list[Item]:
    census = Census(Tree(3, settling.spread.subscores), np.sort(settling.values))
    return list(node_items(settling.board, census))


def test_a_dear_settle_breaks_the_claim() -> None:
    def figure(players: str, write_units: float) -> settles.Figure:
        return settles.Figure("points", False, 1_000, 3, players, settles.BATCH, write_units, 1, 1)

    rebuilt = figure(settles.IN_RANK_ORDER, 2)

    assert all(claim.holds for claim in settles.claims([figure(batches.FAR, 7), rebuilt]))
    assert not all(claim.holds for claim in settles.claims([figure(batches.FAR, 7.01), rebuilt]))
