"""A roll call names every record once, in rank order, whatever the nodes say."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import Operator
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.services.rollcall import Build, RollCall
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore
from tests.fake_dynamodb import Call
from tests.services.works import Works, crowd, delete
from tests.tables import PREFIX
from tests.world import Inline, World


@pytest.mark.property
@settings(max_examples=30)
@given(
    digits=st.integers(2, 4),
    slices=st.integers(0, 1),
    limit=st.integers(1, 6),
    scores=st.lists(st.sampled_from([0, 1, 7, 4096, 100_000, -9, 2**40]), max_size=12),
)
def test_every_record_is_named_once_in_rank_order(digits: int, slices: int, limit: int, scores: list[int]) -> None:
    works = board_with(Layout(digits=digits, slices=slices), scores)
    listing = [entry.player_id for entry in works.world.services.standings.top("race", "current", 100).entries]
    for node in works.nodes(1):
        delete(works.world, node)

    assert called(works, limit) == listing


def test_a_listing_cut_two_deep_is_called_too() -> None:
    works = board_with(Layout(slices=2), [5, 70, 4096, 2**40])

    assert len(called(works, 3)) == 4


def test_slices_that_are_read_side_by_side_hold_no_more_than_one_page_together() -> None:
    works = board_with(Layout(slices=1), [2**number for number in range(40)])
    asked: list[int] = []
    works.world.before(lambda call: asked.append(call.request["Limit"]) if call.operation == "Query" else None)

    assert len(called(works, 16)) == 40

    beside = [limit for limit in asked if limit < 16]
    assert beside
    assert set(beside) == {2}


@pytest.mark.parametrize("turn", range(1, 120, 2))
def test_a_record_that_moves_while_slices_are_read_side_by_side_is_named_once(turn: int) -> None:
    works = board_with(Layout(slices=1), [2**40, 5])
    mover, other = (entry.player_id for entry in works.world.services.standings.top("race", "current", 9).entries)
    queries = count()

    def move(call: Call) -> None:
        if call.operation == "Query" and next(queries) == turn:
            works.world.services.games.submit(mover, Submission("race", 2**39), None)

    works.world.before(move)

    assert sorted(set(called(works, 3))) == sorted([mover, other])


def board_with(layout: Layout, scores: Sequence[int]) -> Works:
    world = World()
    world.board(operator=Operator.SET, layouts=Layouts(first=layout))
    crowd(world, list(scores))
    return Works(world)


def called(works: Works, limit: int) -> list[str]:
    dynamo = Dynamo(works.world.client, Inline())
    roll_call = RollCall(dynamo, RecordStore(f"{PREFIX}records", dynamo))
    build, names, key = Build(works.board, "all", works.layout), list[str](), ""
    while rows := roll_call.after(build, key, limit):
        assert len({row.position.player_id for row in rows}) == len(rows) <= limit
        names += [row.position.player_id for row in rows]
        key = rows[-1].order_key
    return names
