"""What a season is: its rounds, what is a season and what is none, what its ends are, and what a rank earns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain import messages, seasons
from chalicelib.domain.notices import notice_id
from chalicelib.domain.periods import period_at
from chalicelib.domain.rewards import Claiming, Grant
from chalicelib.domain.seasons import Cut, Fill, Move, Prize, Season, SeasonError, rounds_of
from chalicelib.services.rewarding import reward_notice

DAILY = "0 0 * * *"
GRACE = timedelta(seconds=70)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GOLD = (Grant("gold", 5),)


def season(**changes: Any) -> Season:
    plain = Season(
        season_id="winter",
        board_id="race",
        title="Winter",
        tiers=("bronze", "silver", "gold"),
        rounds=rounds_of(DAILY, period_at(DAILY, NOON), 3),
        bucket_size=30,
        promote=Cut(rank=5),
        relegate=Cut(percent=20),
        created_at=NOON,
    )
    return replace(plain, **changes)


@given(
    reset=st.sampled_from([DAILY, "30 */7 * * *", "0 0 * * 1", "15 3 1 * *"]),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # it adds the zone
    count=st.integers(1, 20),
)
def test_rounds_are_the_boards_periods_without_a_gap(reset: str, start: datetime, count: int) -> None:
    rounds = rounds_of(reset, period_at(reset, start), count)

    assert [each.number for each in rounds] == list(range(1, count + 1))
    assert [each.start for each in rounds[1:]] == [each.end for each in rounds[:-1]]
    for each in rounds:
        period = period_at(reset, each.start)
        assert (period.period_id, period.start, period.end) == (each.period_id, each.start, each.end)


def test_a_round_is_open_from_its_start_until_before_its_end() -> None:
    winter = season()
    first, second, last = winter.rounds

    assert winter.round_at(first.start - timedelta(milliseconds=1)) is None
    assert winter.round_at(first.start) == first
    assert winter.round_at(first.end - timedelta(milliseconds=1)) == first
    assert winter.round_at(first.end) == second
    assert winter.round_at(last.end) is None


def test_players_are_placed_once_the_round_before_is_frozen() -> None:
    first, second, _ = season().rounds

    assert seasons.opens_at(first, GRACE) == first.start
    assert seasons.opens_at(second, GRACE) == first.end + GRACE


def test_the_oldest_frozen_round_is_due_until_it_is_closed() -> None:
    winter = season()
    first, second, last = winter.rounds

    assert seasons.due(winter, first.end + GRACE - timedelta(milliseconds=1), GRACE) is None
    assert seasons.due(winter, first.end + GRACE, GRACE) == first
    assert seasons.due(winter, last.end + DAY, GRACE) == first
    assert seasons.due(replace(winter, closed=1), last.end + DAY, GRACE) == second
    assert seasons.due(replace(winter, closed=1), first.end + GRACE, GRACE) is None
    assert seasons.due(replace(winter, closed=3), last.end + DAY, GRACE) is None


def test_a_season_that_is_ended_plays_the_round_under_way_to_its_end() -> None:
    winter = season()
    _, second, last = winter.rounds

    assert seasons.ended(winter, second.start + timedelta(hours=5), GRACE).rounds == winter.rounds[:2]
    assert seasons.ended(winter, last.start - timedelta(seconds=30), GRACE).rounds == winter.rounds
    assert seasons.ended(winter, winter.rounds[0].start - DAY, GRACE).rounds == ()


@pytest.mark.parametrize(
    ("tier", "move", "after"),
    [
        (0, Move.PROMOTED, (Move.PROMOTED, 1)),
        (2, Move.PROMOTED, (Move.STAYED, 2)),
        (1, Move.RELEGATED, (Move.RELEGATED, 0)),
        (0, Move.RELEGATED, (Move.STAYED, 0)),
        (1, Move.STAYED, (Move.STAYED, 1)),
    ],
)
def test_a_move_is_one_tier_and_ends_at_the_last(tier: int, move: Move, after: tuple[Move, int]) -> None:
    assert season().moved(tier, move) == after


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"tiers": ("bronze", "bronze")}, "tiers", "same name"),
        ({"fill": Fill.SKILL}, "bands", "at least 2"),
        ({"bands": 3}, "bands", "1 otherwise"),
        ({"promote": Cut()}, "promote", "give either"),
        ({"relegate": Cut(rank=1, percent=1)}, "relegate", "give either"),
        ({"promote": Cut(rank=31)}, "promote", "no more"),
        ({"promote": Cut(percent=101)}, "promote", "no more"),
        ({"relegate": Cut(rank=-1)}, "relegate", "no more"),
        ({"promote": Cut(percent=50), "relegate": Cut(rank=16)}, "promote", "together with relegate"),
        ({"prizes": (Prize(1, 31, GOLD),)}, "prizes[0]", "ranks"),
        ({"prizes": (Prize(3, 2, GOLD),)}, "prizes[0]", "ranks"),
        ({"prizes": (Prize(1, 1, GOLD), Prize(1, 1, GOLD, "iron"))}, "prizes[1]", "there is no tier 'iron'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(SeasonError, match=message) as error:
        seasons.check(season(**changes))
    assert error.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fill": Fill.SKILL, "bands": 4},
        {"promote": Cut(percent=0), "relegate": Cut(rank=30)},
        {"prizes": (Prize(1, 3, GOLD), Prize(1, 1, GOLD, "gold"))},
    ],
)
def test_what_makes_sense_is_taken(changes: dict[str, Any]) -> None:
    seasons.check(season(**changes))


def test_a_rank_earns_all_prizes_it_meets_as_one_reward() -> None:
    prizes = (
        Prize(1, 3, (Grant("gold", 10),)),
        Prize(1, 1, (Grant("gold", 5), Grant("crown", 1)), tier="gold"),
        Prize(1, 30, (Grant("medal", 1),), in_last_round=True),
    )
    winter = season(prizes=prizes)
    first, _, last = winter.rounds

    def grants(played: seasons.Round, tier: int, rank: int) -> dict[str, int]:
        found = seasons.reward(winter, played, tier, rank, NOON)
        return {grant.item: grant.amount for grant in found.grants} if found else {}

    assert grants(first, 2, 1) == {"gold": 15, "crown": 1}
    assert grants(first, 1, 1) == {"gold": 10}
    assert grants(first, 2, 4) == {}
    assert grants(last, 0, 4) == {"medal": 1}


def test_a_reward_names_its_round_and_is_claimed_as_the_season_says() -> None:
    winter = season(prizes=(Prize(1, 3, GOLD),))
    first = winter.rounds[0]

    given_at_once = seasons.reward(winter, first, 0, 2, NOON)
    asked_for = seasons.reward(replace(winter, claim=Claiming.ON_DEMAND), first, 0, 2, NOON)

    assert given_at_once is not None
    assert given_at_once.reward_id == "20261123T0000Z.winter.season"
    assert (given_at_once.source, given_at_once.period_id, given_at_once.rank) == ("winter", first.period_id, 2)
    assert given_at_once.claimed_at == NOON
    assert asked_for is not None
    assert asked_for.claimed_at is None


def test_all_that_a_rank_can_earn_is_told_in_one_notice() -> None:
    prizes = [Prize(1, 1, tuple(Grant(f"{tens}{ones}", 10**9) for ones in range(10))) for tens in range(6)]
    winter = season(prizes=tuple(prizes[:5]))
    seasons.check(winter)

    earned = seasons.reward(winter, winter.rounds[0], 0, 1, NOON)

    assert earned is not None
    notice = reward_notice(earned, "race")
    [message] = messages.addressed(notice_id(NOON, "prizes"), NOON + DAY, [("0" * 32, notice)])
    assert messages.decoded(messages.encoded(message)) == message
    with pytest.raises(SeasonError, match="50 different items at most, not 60"):
        seasons.check(season(prizes=tuple(prizes)))
