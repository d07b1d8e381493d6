"""Players are placed once, when they look, where their last round leads; whoever else is placed, and whoever dies."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap.seasons import Seasons
from chalicelib.domain import buckets
from chalicelib.domain.buckets import MAX_LANES, BucketId, Membership, Shelf
from chalicelib.domain.seasons import Cut, Fill, Move
from chalicelib.errors import (
    ContendedError,
    RoundSettlingError,
    SeasonClosedError,
    SeasonNotFoundError,
    StoreUnavailableError,
    TokenError,
)
from chalicelib.store.keys import bucket_path, parsed_bucket
from tests.fake_dynamodb import Call, Once, conflict_on, throttle
from tests.services.league import League, each_look, league
from tests.services.turning import GRACE
from tests.strikes import AtCall, Killed

BRONZE = Shelf(0)


def test_a_player_is_placed_at_the_first_look_and_stays_there() -> None:
    found, (ada, *_) = league(2)

    first = found.look(ada)

    assert (first.round, first.bucket.shelf.tier, first.came) == (1, 0, None)
    assert found.look(ada) == first
    found.check()


def test_a_quiet_season_fills_one_bucket_after_the_other() -> None:
    found, ids = league(8)

    each_look(found, ids)

    assert [(path, bucket["taken"]) for (_, path), bucket in sorted(found.buckets().items())] == [
        (bucket_path(BucketId(Shelf(0), lane=0, number=number)), taken) for number, taken in enumerate((3, 3, 2))
    ]
    found.check()


def test_the_best_rise_and_the_last_fall() -> None:
    found, (ada, ben, cem) = league(3)
    each_look(found, (ada, ben, cem))
    for player_id, score in ((ada, 30), (ben, 20), (cem, 10)):
        found.play(player_id, score)

    found.freeze(1)
    second = each_look(found, (ada, ben, cem))
    found.freeze(2)
    third = found.look(ada)

    assert [(each.came, each.bucket.shelf.tier) for each in second] == [
        (Move.PROMOTED, 1),
        (Move.STAYED, 0),
        (Move.STAYED, 0),
    ]
    assert (third.came, third.bucket.shelf.tier) == (Move.RELEGATED, 0)
    found.check()


def test_rounds_that_were_not_played_change_nothing() -> None:
    found, (ada, ben) = league(2)
    each_look(found, (ada, ben))
    found.play(ada, 5)
    found.freeze(1)
    found.until(4, minutes=5)

    assert (found.look(ada).came, found.look(ada).bucket.shelf.tier) == (Move.PROMOTED, 1)
    found.check()


def test_nobody_is_placed_while_the_round_before_may_still_change() -> None:
    found, (ada, ben) = league(2)
    found.look(ada)
    found.until(2, seconds=10)

    with pytest.raises(RoundSettlingError) as refusal:
        found.look(ben)

    assert refusal.value.detail == {"retry_after": 60}
    found.world.clock.advance(seconds=60)
    assert found.look(ben).round == 2


def test_no_round_is_under_way_before_the_first_and_after_the_last() -> None:
    found, (ada,) = league(1)
    found.world.clock.advance(seconds=-1)

    with pytest.raises(SeasonClosedError):
        found.look(ada)
    found.until(4, hours=1)
    with pytest.raises(SeasonClosedError):
        found.look(ada)


def test_there_is_no_place_in_a_season_that_nobody_made() -> None:
    found, (ada,) = league(1)

    with pytest.raises(SeasonNotFoundError):
        found.another_process().rounds.placement.place("summer", ada)


def test_who_has_left_is_not_placed_and_leaves_the_bucket() -> None:
    found, (ada, ben) = league(2)
    each_look(found, (ada, ben))

    found.leave(ada)

    with pytest.raises(TokenError):
        found.look(ada)
    assert [bucket["members"] for bucket in found.buckets().values()] == [[ben]]
    found.check()


def test_how_a_bucket_ended_stays_whatever_becomes_of_its_records() -> None:
    found, (ada, ben) = league(2)
    each_look(found, (ada, ben))
    found.play(ada, 20)
    found.play(ben, 10)
    found.freeze(1)
    assert found.look(ben).came is Move.STAYED

    moderation, board = found.world.services.moderation, found.world.services.boards.get("race")
    moderation.hide(ada, board, found.season.rounds[0].period_id, hidden=True)

    assert found.look(ada).came is Move.PROMOTED


def test_of_two_who_say_how_a_bucket_ended_the_first_is_believed() -> None:
    found, (ada, ben) = league(2)
    each_look(found, (ada, ben))
    found.play(ada, 20)
    found.play(ben, 10)
    found.freeze(1)
    moderation, board = found.world.services.moderation, found.world.services.boards.get("race")

    hide = partial(moderation.hide, ada, board, found.season.rounds[0].period_id)

    def be_overtaken(call: Call) -> None:
        del call
        hide(hidden=False)
        assert found.look(ben).came is Move.STAYED

    hide(hidden=True)
    found.world.before(Once(lambda call: call.operation == "UpdateItem" and call.touches("places"), be_overtaken))

    assert found.look(ada).came is Move.PROMOTED
    [places] = [bucket["places"] for (number, _), bucket in found.buckets().items() if number == 1]
    assert places == [(ada, 1), (ben, 2)]


def test_who_was_asleep_for_a_round_gets_into_no_bucket_that_has_ended() -> None:
    found, (ada, ben) = league(2)
    found.look(ada)
    use = found.another_process()

    def oversleep(call: Call) -> None:
        found.freeze(1)
        found.closed()

    found.world.before(Once(lambda call: call.operation == "TransactWriteItems" and call.touches("bucket#"), oversleep))
    with pytest.raises(SeasonClosedError):
        found.look(ben, use)

    found.world.undisturbed()
    assert (ben, 1) not in found.memberships()
    found.check()


def test_clocks_that_differ_by_half_a_minute_lose_nobody_where_rounds_meet() -> None:
    found, ids = league(26)
    end = found.season.rounds[0].end
    placed_in = set()

    for number, player_id in enumerate(ids):
        offset, skew = 10 * (number // 2) - 60, 30 if number % 2 else -30
        found.world.clock.instant = end + timedelta(seconds=offset + skew)
        with suppress(RoundSettlingError):
            placed_in.add(found.look(player_id).round)
    found.freeze(1)
    each_look(found, ids)

    assert placed_in == {1, 2}
    found.check()


def test_where_placements_meet_another_lane_begins() -> None:
    found, ids = league(80)  # while there is one lane, a third of those who meet somebody take another

    for player_id in ids:
        found.world.before(Once(lambda call: call.touches("bucket#"), conflict_on("bucket#")))
        found.look(player_id)

    lanes = {parsed_bucket(path).lane for _, path in found.buckets()}
    assert len(lanes) > 1
    found.check()


def with_lanes(lanes: int, players: int) -> tuple[League, list[str]]:
    """Return a season on which a crowd has opened some lanes, and players who are still to come."""
    found, ids = league(players)
    for lane in range(lanes):
        found.store.begin_lane("winter", 1, BRONZE, lane)
    return found, ids


def open_lanes(found: League) -> list[int]:
    return found.store.lanes("winter", 1, BRONZE).open


def test_who_comes_after_a_crowd_fills_what_it_left() -> None:
    found, ids = with_lanes(6, players=40)

    each_look(found, ids)

    assert sorted(bucket["taken"] for bucket in found.buckets().values()) == [1] + [3] * 13
    assert len(open_lanes(found)) == 1
    found.check()


def test_nobody_looks_through_dozens_of_full_buckets() -> None:
    found, (*ids, last) = with_lanes(12, players=37)
    for number, player_id in enumerate(ids):
        bucket = BucketId(BRONZE, number % 12, 0)
        found.store.place(Membership(player_id, "winter", 1, bucket, None, found.world.clock()), 3)
    calls: list[Call] = []
    found.world.before(calls.append)

    assert found.look(last).bucket.number == 1
    assert sum(call.operation == "TransactWriteItems" for call in calls) == 10
    found.check()


def test_who_meets_somebody_opens_a_lane_that_rests() -> None:
    found, _ = with_lanes(MAX_LANES, players=0)
    for lane in range(1, MAX_LANES):
        found.store.rest("winter", 1, BucketId(BRONZE, lane, 0))
    everybody = (found.world.player(f"p{number}") for number in count())
    player_id, lane = next((each, lane) for each in everybody if (lane := buckets.lane(each, [0], met=1)))
    found.world.before(Once(lambda call: call.touches("bucket#"), conflict_on("bucket#")))

    assert found.look(player_id).bucket == BucketId(BRONZE, lane, 1)
    assert open_lanes(found) == [0, lane]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whoever_dies_while_a_lane_comes_to_rest_loses_nobody(after: bool) -> None:
    for number in count():
        found, ids = with_lanes(3, players=12)
        each_look(found, ids[:6])
        strike = AtCall(number)
        (found.world.after if after else found.world.before)(strike)
        for player_id in ids[6:]:
            with suppress(Killed):
                found.look(player_id)
        found.world.undisturbed()
        assert {each.round for each in each_look(found, ids)} == {1}
        found.check()
        if not strike.done:
            break
    assert number > 20


def test_who_only_meets_others_is_asked_to_come_again() -> None:
    found, (ada,) = league(1)
    found.world.before(lambda call: conflict_on("bucket#")(call) if call.operation == "TransactWriteItems" else None)

    with pytest.raises(ContendedError):
        found.look(ada)

    found.world.undisturbed()
    assert found.look(ada).round == 1
    found.check()


def ended() -> tuple[League, list[str]]:
    """Return the second round of a season, in whose first three played and a fourth was alone."""
    found, ids = league(5)
    each_look(found, ids[:4])
    for number, player_id in enumerate(ids[:3]):
        found.play(player_id, 10 * number)
    found.freeze(1)
    return found, ids


def at_every_call(*, after: bool) -> Iterator[tuple[League, list[str], AtCall]]:
    """Yield leagues with a hook at the first call, at the second, and so on while there is such a call."""
    for number in count():
        found, ids = ended()
        strike = AtCall(number)
        (found.world.after if after else found.world.before)(strike)
        yield found, ids, strike
        if not strike.done:
            return


def looked(found: League, player_id: str, use: Seasons, call: Call) -> None:
    del call
    found.look(player_id, use)


def left(found: League, player_id: str, call: Call) -> None:
    del call
    found.leave(player_id)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("who", [2, 3, 4], ids=["promoted", "alone", "new"])
def test_a_placement_that_died_at_any_call_is_finished_by_the_next_look(after: bool, who: int) -> None:
    deaths = 0
    for found, ids, strike in at_every_call(after=after):
        try:
            found.look(ids[who])
        except Killed:
            deaths += 1
        found.world.undisturbed()
        found.check()
        first = found.look(ids[who])
        assert found.look(ids[who]) == first
        each_look(found, ids)
        found.check()
        assert strike.done or deaths
    assert deaths >= 5


@pytest.mark.parametrize("other", [2, 0, 4], ids=["the same", "a neighbour", "a new one"])
def test_two_placements_at_once_are_as_one_after_the_other(other: int) -> None:
    for found, ids, strike in at_every_call(after=False):
        use = found.another_process()
        strike.act = partial(looked, found, ids[other], use)
        mine = found.look(ids[2])
        found.world.undisturbed()
        assert found.look(ids[2]) == mine
        assert found.look(ids[other]).round == 2
        found.check()


def test_a_player_who_leaves_while_being_placed_is_nowhere() -> None:
    for found, ids, strike in at_every_call(after=False):
        strike.act = partial(left, found, ids[2])
        try:
            found.look(ids[2])
        except TokenError:
            assert strike.done
        found.world.undisturbed()
        found.check()
        assert strike.done is not any(ids[2] in bucket["members"] for bucket in found.buckets().values())


def test_throttled_placements_can_be_repeated() -> None:
    for found, ids, strike in at_every_call(after=False):
        strike.act = throttle
        try:
            found.look(ids[2])
        except StoreUnavailableError:
            assert strike.done
        found.world.undisturbed()
        assert found.look(ids[2]).came is Move.PROMOTED
        found.check()


@pytest.mark.property
@settings(max_examples=25, deadline=None)
@given(scores=st.lists(st.none() | st.integers(0, 30), min_size=18, max_size=18), bands=st.integers(2, 6))
def test_skill_puts_like_with_like(scores: list[int | None], bands: int) -> None:
    found, ids = league(18, fill=Fill.SKILL, bands=bands, bucket_size=4)
    found.world.clock.advance(hours=-1)
    for player_id, score in zip(ids, scores, strict=True):
        if score is not None:
            found.play(player_id, score)
    found.until(1)

    each_look(found, ids)

    percentile_by_player = dict(zip(ids, percentiles(scores), strict=True))
    for bucket in found.buckets().values():
        known = [each for each in map(percentile_by_player.__getitem__, bucket["members"]) if each is not None]
        assert len(known) in {0, len(bucket["members"])}
        assert not known or max(known) - min(known) <= 100 / bands
    found.check()


def percentiles(scores: Sequence[int | None]) -> list[float | None]:
    """Return the share of scores, in percent, that are not better."""
    known = [score for score in scores if score is not None]
    return [None if own is None else 100 * sum(each <= own for each in known) / len(known) for own in scores]


def test_without_skill_the_best_meet_the_worst() -> None:
    found, ids = league(6)
    found.world.clock.advance(hours=-1)
    for number, player_id in enumerate(ids):
        found.play(player_id, number * 5 % 6)
    found.until(1)

    assert len({each.bucket for each in each_look(found, ids)}) == 2
    assert {each.bucket.shelf.band for each in each_look(found, ids)} == {0}


def test_skill_of_newcomers_is_what_they_have_shown_so_far() -> None:
    found, (ada, ben, cem) = league(3, fill=Fill.SKILL, bands=2)
    found.play(ada, 100)
    found.play(ben, 5)

    assert [found.look(each).bucket.shelf.band for each in (ada, ben, cem)] == [2, 1, 0]


def test_a_season_that_is_ended_lets_nobody_into_further_rounds() -> None:
    found, (ada, ben) = league(2, promote=Cut(percent=50))
    found.look(ada)
    found.world.clock.advance(minutes=10)

    found.another_process().rounds.seasons.end("winter")

    assert [each.number for each in found.season.rounds] == [1]
    assert found.look(ben).round == 1
    found.world.clock.instant += timedelta(hours=1) + GRACE
    with pytest.raises(SeasonClosedError):
        found.look(ben)
