"""What hypothesis draws: scores where they are hard, and boards of every kind."""

import os
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, Operator, SortOrder
from chalicelib.domain.layouts import Layout, Layouts

EXAMPLES = 1000 if os.environ.get("CI") == "true" else 60
"""How many cases the main properties try."""

_EDGES = sorted(
    edge + step
    for exponent in range(64)
    for edge in (2**exponent, -(2**exponent))
    for step in (-1, 0, 1)
    if INT64_MIN <= edge + step <= INT64_MAX
)

int64 = st.one_of(
    st.integers(INT64_MIN, INT64_MAX), st.sampled_from([*_EDGES, INT64_MIN, INT64_MAX]), st.integers(-5000, 5000)
)
"""Every magnitude is as likely as the others, and the borders of bins likelier still."""

scores = st.one_of(
    st.integers(-3, 3),
    st.integers(100_000, 100_040),
    st.integers(-(2**40), -(2**40) + 40),
    st.sampled_from([4095, 4096, 8191, 8192, INT64_MIN, INT64_MAX]),
    st.integers(-(10**6), 10**6),
)
"""Few enough to tie, to share wide bins, and to stand next to each other across the borders of bins."""

layout = st.builds(Layout, digits=st.integers(2, 4), lanes=st.integers(1, 3), slices=st.integers(0, 2))
layouts = st.builds(Layouts, first=layout)
operators = st.sampled_from(Operator)
orders = st.sampled_from(SortOrder)
boards = st.builds(
    Board,
    board_id=st.just("race"),
    title=st.just("Race"),
    sort_order=orders,
    subscore_order=st.none() | orders,
    operator=operators,
    layouts=layouts,
    created_at=st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)

player_ids = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001  # the same
    timezones=st.just(UTC),
).map(lambda instant: instant - timedelta(microseconds=instant.microsecond % 1000))
"""To the millisecond."""
