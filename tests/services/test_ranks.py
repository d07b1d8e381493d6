"""What a rank read answers."""

from chalicelib.services.ranks import Standing


def test_a_total_is_never_below_the_rank_though_a_record_arrives_between_the_parts_of_a_read() -> None:
    assert Standing(better=7, others=6).total == 8


def test_a_total_counts_the_asking_player() -> None:
    assert Standing(better=0, others=6).total == 7
