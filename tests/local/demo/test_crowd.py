import random
from collections import Counter
from statistics import mean

from local.demo.crowd import MAX_GAMES, crowd


def test_the_same_chance_gives_the_same_crowd() -> None:
    assert crowd(20, random.Random(7)) == crowd(20, random.Random(7))


def test_a_crowd_is_as_real_ones_are() -> None:
    players = crowd(2_000, random.Random(7))

    games = [len(player.drives) for player in players]
    first = [player.drives[0].points for player in players]
    laps = Counter(drive.lap for player in players for drive in player.drives)
    keen = [player for player in players if len(player.drives) >= 4]

    assert min(games) == 1
    assert 3 < max(games) <= MAX_GAMES
    assert max(first) > 200_000 > mean(first) > sorted(first)[1_000]
    assert laps.most_common(1)[0][1] > 5
    assert mean(player.drives[3].points for player in keen) > mean(player.drives[0].points for player in keen)
