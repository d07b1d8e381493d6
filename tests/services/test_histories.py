"""Any history of games, submissions, deletions and resets leaves answers equal to a sorted list's."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.histories import BOARDS, PLAYERS, History, Leave, Moderate, Play, Rename, Step, Submit, Wait
from tests.strategies import EXAMPLES, layouts, operators, orders, scores

players = st.integers(0, PLAYERS - 1)
board_ids = st.sampled_from(BOARDS)
subscores = st.integers(-2, 2) | scores
lines = st.tuples(board_ids, scores, subscores)
plays = st.builds(
    Play,
    players,
    st.lists(lines, min_size=1, max_size=2, unique_by=lambda line: line[0]).map(tuple),
    st.booleans(),
)
submits = st.builds(
    Submit,
    st.lists(st.tuples(players, board_ids, scores, subscores), min_size=1, max_size=6).map(tuple),
    st.booleans(),
    st.booleans(),
)
moderations = st.builds(Moderate, players, board_ids, st.sampled_from(["hide", "show", "remove"]))
steps = st.one_of(
    plays,
    plays,
    plays,
    submits,
    moderations,
    st.builds(Rename, players, st.sampled_from(["Ada", "Eve"])),
    st.builds(Leave, players),
    st.builds(Wait, st.sampled_from([1, 60, 4000])),
)
rules = st.fixed_dictionaries(
    {
        "sort_order": orders,
        "subscore_order": st.none() | orders,
        "operator": operators,
        "layouts": layouts,
        "reset": st.sampled_from([None, "0 * * * *"]),
    }
)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(
    race=rules,
    duel=rules,
    history=st.lists(steps, min_size=1, max_size=25),
    page_size=st.none() | st.integers(1, 4),
    random=st.randoms(use_true_random=False),
)
def test_every_answer_equals_a_sorted_lists(
    race: dict[str, object], duel: dict[str, object], history: list[Step], page_size: int | None, random: Random
) -> None:
    played = History({"race": race, "duel": duel}, random)
    played.world.client.page_size = page_size

    for step in history:
        played.take(step)

    played.check()
