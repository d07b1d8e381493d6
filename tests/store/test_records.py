from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Indexing, Layout, Layouts, Listing
from chalicelib.domain.records import Record
from chalicelib.store.dynamo import CancelledError, Dynamo
from chalicelib.store.records import RecordItem, RecordStore, Slice, row_of, slice_digits
from tests.expressions import Item
from tests.fake_dynamodb import FakeDynamoDB
from tests.strategies import EXAMPLES, boards, instants, int64, player_ids
from tests.tables import PREFIX, tables
from tests.world import EPOCH, Inline

BOARD = Board(board_id="race", title="Race", created_at=EPOCH)
WHOLE = Slice(BOARD, "all", Layout())
DEFINITIONS = list(tables())

records = st.builds(
    Record,
    player_id=player_ids,
    board_id=st.just("race"),
    period_id=st.sampled_from(["all", "20261122T0000Z"]),
    score=int64,
    subscore=int64,
    achieved_at=instants,
    generation=st.integers(1, 2**53),
    display_name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32),
    avatar=st.none() | st.just("avatars/1.png"),
    hidden=st.booleans(),
    expires_at=st.none() | instants.map(lambda instant: instant.replace(microsecond=0)),
)


@pytest.fixture
def store() -> RecordStore:
    return new_store()


def new_store() -> RecordStore:
    return RecordStore(f"{PREFIX}records", Dynamo(FakeDynamoDB(DEFINITIONS), Inline()))


def record(player: str, score: int, **fields: object) -> Record:
    return replace(Record(player, "race", "all", score, 0, EPOCH, 1, player), **fields)


def stored(store: RecordStore, *listed: Record) -> None:
    for each in listed:
        store._dynamo.transact([store.put_part("record", BOARD, each, None)])  # noqa: SLF001  # as the services do


def written(board: Board, each: Record) -> Item:
    """Return the item as the store writes it."""
    item: Item = new_store().put_part("record", board, each, None).request["Item"]
    return item


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, each=records)
def test_what_the_store_writes_the_model_reads_and_writes_the_same(board: Board, each: Record) -> None:
    item = written(board, each)

    read = RecordItem.from_raw_data(item)

    assert (read.player_id, read.board_period) == (each.player_id, f"race#{each.period_id}")
    assert (read.score, read.subscore, read.generation) == (each.score, each.subscore, each.generation)
    assert (read.display_name, read.avatar, read.hidden) == (each.display_name, each.avatar, each.hidden)
    assert read.order_key == (None if each.hidden else row_of(board, each).order_key)
    assert read.serialize() == item


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, each=records)
def test_what_the_store_writes_it_reads_back(board: Board, each: Record) -> None:
    assert new_store().parsed(written(board, each)) == each


def test_records_of_a_board_are_found_by_player(store: RecordStore) -> None:
    stored(store, record("a", 5), record("b", 6), record("b", 6, period_id="other"))

    found = store.get_many("race", "all", ["a", "b", "c", "a"])

    assert found == {"a": record("a", 5), "b": record("b", 6)}
    assert store.of_player("b") == [record("b", 6), record("b", 6, period_id="other")]
    assert store.of_player("c") == []


def test_rows_follow_each_other_in_rank_order(store: RecordStore) -> None:
    stored(store, record("a", 5), record("b", 9), record("hidden", 8, hidden=True), record("c", 7))
    own = row_of(BOARD, record("c", 7)).order_key

    names = [
        [row.display_name for row in rows]
        for rows in (
            store.after(WHOLE, "", 9),
            store.after(WHOLE, own, 9),
            store.before(WHOLE, own, 9),
            store.after(WHOLE, "", 2),
            store.before(WHOLE, "g", 2),
            store.after(Slice(BOARD, "other", Layout()), "", 9),
        )
    ]

    assert names == [["b", "c", "a"], ["a"], ["b"], ["b", "c"], ["c", "a"], []]


def test_counting_includes_both_ends(store: RecordStore) -> None:
    listed = [record(player, score) for player, score in (("a", 9), ("b", 7), ("c", 5))]
    stored(store, *listed)
    keys = [row_of(BOARD, each).order_key for each in listed]

    assert store.count_between(WHOLE, keys[0], keys[2]) == 3
    assert store.count_between(WHOLE, keys[1], keys[1]) == 1
    assert store.count_between(WHOLE, keys[0] + " ", keys[2][:-1]) == 1


def test_a_row_shows_what_its_record_will(store: RecordStore) -> None:
    each = record("a", 5, avatar="x.png", achieved_at=EPOCH + timedelta(milliseconds=1))
    stored(store, each)

    assert store.after(WHOLE, "", 1) == [row_of(BOARD, each)]


SLICED = Layout(2, slices=1, listing=Listing.B, listed_since=2)
REBUILDING = replace(BOARD, layouts=Layouts().with_period("all", Indexing(Layout(), (SLICED,))))
REBUILT = replace(BOARD, layouts=Layouts().with_period("all", Indexing(SLICED)))


def test_a_record_stands_in_every_listing_in_use(store: RecordStore) -> None:
    few, many = record("few", 5), record("many", 5000)
    for each in (few, many):
        store._dynamo.transact([store.put_part("record", REBUILDING, each, None)])  # noqa: SLF001  # as the services do

    assert [row.display_name for row in store.after(WHOLE, "", 9)] == ["many", "few"]
    for each in (few, many):
        digits = slice_digits(REBUILDING, SLICED, BOARD.value(each.score, 0))
        assert store.after(Slice(REBUILDING, "all", SLICED, digits), "", 9) == [row_of(BOARD, each)]


@pytest.mark.parametrize("board", [BOARD, REBUILDING, REBUILT])
def test_a_record_is_listed_anew_without_a_new_generation(store: RecordStore, board: Board) -> None:
    each = record("a", 5)
    stored(store, each)
    items = store._dynamo.client.items  # noqa: SLF001  # what lies there, as no call would tell

    store._dynamo.transact([store.list_part("record", board, each)])  # noqa: SLF001  # as the services do

    assert items(store.table) == [written(board, each)]
    assert store.is_listed(board, items(store.table)[0])
    assert all(
        store.is_listed(other, items(store.table)[0]) is (other == board) for other in (BOARD, REBUILDING, REBUILT)
    )


def test_a_record_that_changed_meanwhile_is_not_listed_anew(store: RecordStore) -> None:
    stored(store, record("a", 5, generation=2))

    with pytest.raises(CancelledError):
        store._dynamo.transact([store.list_part("record", REBUILT, record("a", 4))])  # noqa: SLF001  # the same


@pytest.mark.parametrize("board", [BOARD, REBUILDING, REBUILT])
def test_a_hidden_record_stands_in_no_listing_and_comes_back_to_all(store: RecordStore, board: Board) -> None:
    each = record("a", 5)
    store._dynamo.transact([store.put_part("record", REBUILDING, each, None)])  # noqa: SLF001  # as the services do
    hidden, shown = replace(each, hidden=True, generation=2), replace(each, generation=3)

    store._dynamo.transact([store.hide_part("record", board, hidden)])  # noqa: SLF001  # the same
    assert store._dynamo.client.items(store.table) == [written(board, hidden)]  # noqa: SLF001  # the same
    store._dynamo.transact([store.hide_part("record", board, shown)])  # noqa: SLF001  # the same

    assert store._dynamo.client.items(store.table) == [written(board, shown)]  # noqa: SLF001  # the same
