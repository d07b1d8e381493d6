"""Writers whose board definition is out of date: nobody is counted twice, nobody is lost in a build."""

import pytest
from msgspec.structs import replace

from chalicelib.bootstrap.serving import Services
from chalicelib.domain.layouts import UNCUT, Indexing, Layout, Layouts, fresh
from chalicelib.domain.records import Submission
from chalicelib.services.settle import settlement_of
from tests import invariants
from tests.world import World

FIRST = Layout()
SECOND = fresh(FIRST, 1, digits=4, lanes=3, slices=1)
BUILDING = UNCUT.with_period("all", Indexing(FIRST, (SECOND,)))
SWITCHED = UNCUT.with_period("all", Indexing(SECOND, (FIRST,)))
REBUILT = UNCUT.with_period("all", Indexing(SECOND))
CHANGES = [(UNCUT, BUILDING), (BUILDING, SWITCHED), (UNCUT, SWITCHED), (SWITCHED, REBUILT), (UNCUT, REBUILT)]


class Change:
    """A board whose layouts change while one process remembers the ones before; all records follow the change."""

    def __init__(self, before: Layouts, after: Layouts) -> None:
        self.world = World()
        self.board = self.world.board(layouts=before)
        self.players = [self.world.player(name) for name in ("Ada", "Ben", "Cyd")]
        for number, player_id in enumerate(self.players):
            self.submit(self.world.services, player_id, 10 * number, f"first-{number}")
        self.behind = self.world.services
        self.board = self.behind.boards.get("race")
        self.world.services = self.world.another_process()
        self.world.services.boards.change("race", {"layouts": after})
        self.follow()

    def submit(self, services: Services, player_id: str, score: int, submission_id: str) -> None:
        services.games.submit(player_id, Submission("race", score), submission_id)

    def follow(self) -> None:
        """Bring everything in line with the layouts in use, as a rebuild or the stream does."""
        services, current = self.world.services, self.world.services.boards.get("race")
        stored = services.scores._records  # noqa: SLF001  # what a rebuild walks
        records = stored.get_many("race", "all", self.players).values()
        for record in records:
            if not record.hidden:
                services.scores._dynamo.transact([stored.list_part("record", current, record)])  # noqa: SLF001  # the same
        assert services.settler.settle([settlement_of(current, record) for record in records])


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_submission_by_a_process_behind_is_counted_in_every_build(before: Layouts, after: Layouts) -> None:
    change = Change(before, after)

    change.submit(change.behind, change.players[0], 99, "late")

    change.follow()
    invariants.check(change.world)
    assert change.world.ranks() == [(1, "Ada", 99), (2, "Cyd", 20), (3, "Ben", 10)]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_what_a_process_behind_hides_shows_and_removes_is_right_in_every_build(before: Layouts, after: Layouts) -> None:
    change = Change(before, after)
    board = change.board

    change.behind.moderation.hide(change.players[0], board, "all", hidden=True)
    change.behind.moderation.hide(change.players[1], board, "all", hidden=True)
    change.behind.moderation.hide(change.players[1], board, "all", hidden=False)
    change.behind.moderation.remove(change.players[2], board, "all")

    change.follow()
    invariants.check(change.world)
    assert change.world.ranks() == [(1, "Ben", 10)]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_settler_behind_changes_nothing_that_is_settled(before: Layouts, after: Layouts) -> None:
    change = Change(before, after)
    records = change.behind.scores._records.get_many("race", "all", change.players)  # noqa: SLF001  # as the stream has them
    revised = [replace(record, generation=record.generation + 1) for record in records.values()]

    assert change.behind.settler.settle([settlement_of(change.board, record) for record in records.values()])
    assert change.behind.settler.settle([settlement_of(change.board, record) for record in revised])
    assert change.world.services.settler.settle(
        [settlement_of(change.world.services.boards.get("race"), record) for record in revised]
    )

    assert change.world.ranks() == [(1, "Cyd", 20), (2, "Ben", 10), (3, "Ada", 0)]
    assert change.world.services.standings.total("race", "all")[2] == 3
