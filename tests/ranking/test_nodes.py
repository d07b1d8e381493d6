from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Path
from tests.strategies import EXAMPLES

LEAVES: list[Path] = [(a, b, c) for a in range(3) for b in range(3) for c in range(3)] + [
    (9, 1, 1, 4, 5, 6),
    (9, 1, 1, 4, 5, 7),
]
paths = st.sampled_from(LEAVES)
places = st.lists(paths, max_size=20)


def counted(listed: list[Path]) -> dict[Path, Counter[int]]:
    counts: dict[Path, Counter[int]] = {}
    for path in listed:
        for node in nodes.nodes_on(path):
            counts.setdefault(node, Counter())[path[len(node)]] += 1
    return counts


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(steps=st.lists(st.lists(st.tuples(st.integers(0, 5), st.none() | paths), max_size=4), max_size=8))
def test_moves_leave_the_counters_of_where_everybody_is(steps: list[list[tuple[int, Path | None]]]) -> None:
    path_by_player: dict[int, Path | None] = {}
    counts: dict[Path, Counter[int]] = {}
    for step in steps:
        group = dict(step)
        deltas = nodes.moves((path_by_player.get(player), path) for player, path in group.items())
        for node, children in deltas.items():
            assert children
            assert all(children.values())
            counts.setdefault(node, Counter()).update(children)
        path_by_player |= group

    here = counted([path for path in path_by_player.values() if path])
    assert {node: +children for node, children in counts.items() if +children} == here
    assert nodes.total(counts) == sum(path is not None for path in path_by_player.values())


def test_moves_that_cancel_out_write_nothing() -> None:
    assert nodes.moves([((0, 0, 0), (1, 1, 1)), ((1, 1, 1), (0, 0, 0))]) == {}
    assert nodes.moves([((0, 0, 0), (0, 0, 0)), (None, None)]) == {}


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listed=places, path=paths)
def test_better_counts_what_lies_before_a_path(listed: list[Path], path: Path) -> None:
    assert nodes.better(path, counted(listed)) == sum(other < path for other in listed)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listed=places, offset=st.integers(0, 25))
def test_going_down_from_the_root_finds_the_record_at_an_offset(listed: list[Path], offset: int) -> None:
    counts, rest = counted(listed), offset
    path: Path = ()
    while path not in LEAVES:
        step = nodes.child_at(counts.get(path, {}), rest)
        if step is None:
            break
        path, rest = (*path, step[0]), step[1]

    if offset >= len(listed):
        assert path == ()
    else:
        assert path == sorted(listed)[offset]
        assert rest == offset - sorted(listed).index(path)


def test_children_without_records_are_passed_over() -> None:
    assert nodes.child_at({1: 0, 2: 1}, 0) == (2, 0)
    assert nodes.child_at({}, 0) is None


@pytest.mark.property
@given(lanes=st.lists(st.dictionaries(st.integers(0, 5), st.integers(-3, 9)), max_size=4))
def test_lanes_add_up(lanes: list[dict[int, int]]) -> None:
    children = {child for lane in lanes for child in lane}

    assert nodes.added(lanes) == {child: sum(lane.get(child, 0) for lane in lanes) for child in children}
