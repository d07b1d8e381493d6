"""A crowd of the benchmark is placed as any other is, and what it costs is counted."""

from bench import placement
from bench.placement import Figure


def test_a_crowd_is_placed_once_each() -> None:
    figure = placement.crowd(at_once=4, players=20, later=30)

    assert (figure.players, figure.wrong) == (20, 0)
    assert figure.buckets >= figure.lanes


def test_a_crowd_that_is_no_faster_and_who_is_in_two_buckets_break_the_claims() -> None:
    def figure(at_once: int, players_a_second: float, thin: int = 0, wrong: int = 0) -> Figure:
        counts = {"lanes": 1, "buckets": 4, "thin": thin, "thin_later": thin, "wrong": wrong}
        return Figure(at_once, 100, players_a_second, 0, 0, **counts)

    def hold(*figures: Figure) -> list[bool]:
        return [claim.holds for claim in placement.claims(figures)]

    assert hold(figure(1, 50), figure(8, 200)) == [True] * 4
    assert hold(figure(1, 50, thin=2), figure(8, 199, wrong=1)) == [False] * 4
