import pytest

from chalicelib.domain.boards import Operator, SortOrder
from chalicelib.domain.records import Submission
from chalicelib.errors import BoardNotFoundError, CursorError, PeriodNotFoundError, RecordNotFoundError
from chalicelib.services.standings import Page
from tests import invariants
from tests.fake_dynamodb import Once, conflict_on
from tests.oracle import Oracle
from tests.world import World

NODES = "node#"


@pytest.fixture
def world() -> World:
    world = World()
    world.board()
    return world


def with_scores(world: World, *scores: int, board_id: str = "race") -> list[str]:
    """Return new players, in the order of these scores of theirs."""
    ids = []
    for number, score in enumerate(scores):
        ids.append(world.player(f"p{number}"))
        world.play(ids[-1], Submission(board_id, score))
    return ids


def with_busy_index(world: World) -> None:
    """Let records be stored without their place in the index, until further notice."""
    world.before(
        Once(lambda call: call.operation == "TransactWriteItems" and call.touches(NODES), conflict_on(NODES), times=99)
    )


def ranks(page: Page) -> list[tuple[int | None, str]]:
    return [(entry.rank, entry.display_name) for entry in page.entries]


def test_equal_scores_share_a_rank_and_the_earlier_comes_first(world: World) -> None:
    with_scores(world, 5, 9, 5, 1)

    assert world.ranks() == [(1, "p1", 9), (2, "p0", 5), (2, "p2", 5), (4, "p3", 1)]


def test_lower_is_better_on_an_ascending_board(world: World) -> None:
    world.board("laps", sort_order=SortOrder.ASC)
    with_scores(world, 70, 65, board_id="laps")

    assert world.ranks("laps") == [(1, "p1", 65), (2, "p0", 70)]


def test_an_empty_board_has_empty_answers(world: World) -> None:
    standings = world.services.standings

    assert standings.top("race", "current", 10).entries == []
    assert standings.from_rank("race", "current", 1, 10).entries == []
    assert standings.total("race", "current")[2] == 0
    assert world.services.distributions.overview("race", "current").bars == []


def test_what_does_not_exist_is_not_found(world: World) -> None:
    player_id = world.player()

    with pytest.raises(BoardNotFoundError):
        world.services.standings.top("nowhere", "current", 10)
    with pytest.raises(PeriodNotFoundError):
        world.services.standings.top("race", "previous", 10)
    with pytest.raises(RecordNotFoundError):
        world.services.standings.own("race", "current", player_id)
    with pytest.raises(RecordNotFoundError):
        world.services.standings.around("race", "current", player_id, 5)


def test_the_last_page_has_no_next_and_the_first_no_previous(world: World) -> None:
    with_scores(world, 3, 2, 1)

    first = world.services.standings.top("race", "current", 2)
    assert first.next_cursor is not None
    last = world.services.standings.page("race", "current", first.next_cursor, 2)

    assert (first.previous_cursor, last.next_cursor) == (None, None)
    assert ranks(last) == [(3, "p2")]


def test_a_page_of_exactly_the_rest_is_the_last(world: World) -> None:
    with_scores(world, 2, 1)

    assert world.services.standings.top("race", "current", 2).next_cursor is None


def test_a_cursor_belongs_to_its_board_and_period(world: World) -> None:
    world.board("duel", reset="0 0 * * *")
    for player_id in with_scores(world, 3, 2):
        world.play(player_id, Submission("duel", 1))
    of_race = world.services.standings.top("race", "current", 1).next_cursor
    of_duel = world.services.standings.top("duel", "current", 1).next_cursor
    assert of_race
    assert of_duel

    with pytest.raises(CursorError, match=r"'race'.*'duel'"):
        world.services.standings.page("duel", "current", of_race, 1)
    world.clock.advance(days=1)
    with pytest.raises(CursorError, match="period"):
        world.services.standings.page("duel", "current", of_duel, 1)
    assert world.services.standings.page("duel", "previous", of_duel, 1).entries


@pytest.mark.parametrize("cursor", ["", "x", "a.b.c", "\ud800", "é" * 100])
def test_forged_cursors_are_refused(world: World, cursor: str) -> None:
    with pytest.raises(CursorError):
        world.services.standings.page("race", "current", cursor, 1)


def test_ranks_of_a_page_are_those_of_now_though_scores_changed_between_pages(world: World) -> None:
    ids = with_scores(world, 50, 40, 30, 20)
    cursor = world.services.standings.top("race", "current", 2).next_cursor
    assert cursor
    world.play(world.player("new"), Submission("race", 60))
    world.services.moderation.remove(ids[1], world.services.boards.get("race"), "all")

    page = world.services.standings.page("race", "current", cursor, 5)

    assert ranks(page) == [(3, "p2"), (4, "p3")]


def test_a_cursor_outlives_the_record_it_was_made_at(world: World) -> None:
    ids = with_scores(world, 50, 40, 30)
    cursor = world.services.standings.top("race", "current", 2).next_cursor
    assert cursor
    world.play(ids[1], Submission("race", 99))

    assert ranks(world.services.standings.page("race", "current", cursor, 5)) == [(3, "p2")]


def test_ties_are_ranked_alike_on_both_sides_of_a_page_border(world: World) -> None:
    with_scores(world, 9, 5, 5, 5, 1)
    first = world.services.standings.top("race", "current", 3)
    assert first.next_cursor

    second = world.services.standings.page("race", "current", first.next_cursor, 3)
    assert second.previous_cursor
    back = world.services.standings.page("race", "current", second.previous_cursor, 2)

    assert ranks(second) == [(2, "p3"), (5, "p4")]
    assert ranks(back) == [(2, "p1"), (2, "p2")]


def test_a_page_from_a_rank_begins_with_the_first_of_its_ties(world: World) -> None:
    with_scores(world, 9, 5, 5, 5, 1)

    for rank in (2, 3, 4):
        assert ranks(world.services.standings.from_rank("race", "current", rank, 2)) == [(2, "p1"), (2, "p2")]
    assert world.services.standings.from_rank("race", "current", 6, 2).entries == []


def test_hidden_records_are_seen_by_their_players_only(world: World) -> None:
    ids = with_scores(world, 9, 5)
    world.services.moderation.hide(ids[0], world.services.boards.get("race"), "all", hidden=True)

    own = world.services.standings.own("race", "current", ids[0])

    assert world.ranks() == [(1, "p1", 5)]
    assert (own.entry.rank, own.entry.score, own.total, own.percentile) == (None, 9, 1, None)
    assert world.services.standings.among("race", "current", ids).entries[0].player_id == ids[1]


def test_among_leaves_out_who_has_no_record_and_counts_nobody_twice(world: World) -> None:
    ids = with_scores(world, 5, 9)

    page = world.services.standings.among("race", "current", [*ids, *ids, "0" * 32])

    assert ranks(page) == [(1, "p1"), (2, "p0")]


def test_around_merges_the_players_own_record_before_the_index_shows_it(world: World) -> None:
    ids = with_scores(world, 50, 40, 30, 20)
    world.client.freeze_indexes()
    world.play(ids[3], Submission("race", 45))

    page = world.services.standings.around("race", "current", ids[3], 3)

    assert [entry.display_name for entry in page.entries] == ["p0", "p3", "p1"]
    assert page.entries[1].rank == world.services.standings.own("race", "current", ids[3]).entry.rank == 2


def test_answers_are_exact_again_when_the_index_has_caught_up(world: World) -> None:
    ids = with_scores(world, 50, 40, 30)
    world.client.freeze_indexes()
    world.play(ids[2], Submission("race", 60))
    world.client.thaw_indexes()

    assert world.ranks() == [(1, "p2", 60), (2, "p0", 50), (3, "p1", 40)]


@pytest.mark.parametrize("score", [70, 45, 5])
def test_a_player_who_is_not_yet_counted_is_ranked_exactly_to_themselves(world: World, score: int) -> None:
    world.board("set", operator=Operator.SET)
    ids = with_scores(world, 50, 40, 40, 40, 30, 20, board_id="set")
    with_busy_index(world)
    world.play(ids[2], Submission("set", score))
    world.undisturbed()

    own = world.services.standings.own("set", "current", ids[2])
    around = world.services.standings.around("set", "current", ids[2], 6)

    assert (own.entry.rank, ids[2]) in listed(world, "set")
    assert own.total == 6
    assert ranked(around) == listed(world, "set")


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(("before", "after"), [(20, 40), (60, 40), (60, 35), (20, 100_001)])
def test_neighbours_tied_past_the_window_are_ranked_exactly_while_the_player_is_not_yet_counted(
    world: World, size: int, before: int, after: int
) -> None:
    world.board("set", operator=Operator.SET)
    ids = with_scores(world, 40, 40, before, 100_000, 40, 40, 30, 30, 10, board_id="set")
    with_busy_index(world)
    world.play(ids[2], Submission("set", after))
    world.undisturbed()

    page = world.services.standings.around("set", "current", ids[2], size)

    assert set(ranked(page)) <= set(listed(world, "set"))
    assert ids[2] in [entry.player_id for entry in page.entries]


def test_the_next_change_of_a_record_settles_what_was_left(world: World) -> None:
    ids = with_scores(world, 50, 40)
    with_busy_index(world)
    world.play(ids[1], Submission("race", 60))
    world.undisturbed()

    world.play(ids[1], Submission("race", 70))

    invariants.check(world)
    assert world.ranks() == [(1, "p1", 70), (2, "p0", 50)]


def test_own_entries_are_those_of_the_current_periods(world: World) -> None:
    world.board("daily", reset="0 0 * * *")
    player_id = world.player()
    world.play(player_id, Submission("race", 5), Submission("daily", 7))
    today = world.services.standings.own_all(player_id)
    world.clock.advance(days=1)

    tomorrow = world.services.standings.own_all(player_id)

    assert [(board.board_id, own.entry.rank, own.entry.score) for board, _, own in today] == [
        ("daily", 1, 7),
        ("race", 1, 5),
    ]
    assert [board.board_id for board, _, _ in tomorrow] == ["race"]


def listed(world: World, board_id: str) -> list[tuple[int, str]]:
    """Return rank and player of all records, as a sort of what is stored has them."""
    return Oracle.of(world.services.boards.get(board_id), world.items("records"), "all").listing()


def ranked(page: Page) -> list[tuple[int | None, str]]:
    return [(entry.rank, entry.player_id) for entry in page.entries]
