"""The crowd: who plays, how often and how well. The same chance gives the same crowd."""

import math
import random
from dataclasses import dataclass

MAX_GAMES = 12
SKILL_SPREAD = 0.6
LUCK_SPREAD = 0.12
# Haste makes faster, and crash.
HASTE_SPREAD = 0.4
LEARNING = 0.15
# Three quarters of a game more than the first one, on average; the keenest play a dozen.
EAGERNESS = 0.85

FIRST_NAMES = (
    "Amber Bold Brave Bright Calm Clever Cosmic Crimson Daring Eager Fancy Fierce Gentle Golden Happy Hasty Humble "
    "Icy Jolly Keen Lucky Mighty Misty Nimble Noble Polar Proud Quick Quiet Rapid Royal Shy Silent Silver Sly Solar "
    "Stormy Sunny Swift Tidy Tiny Turbo Vivid Wild Wise Witty Young Zesty"
)
LAST_NAMES = (
    "Badger Bear Beaver Bison Cobra Condor Crane Dolphin Eagle Falcon Ferret Finch Fox Gecko Hare Hawk Heron Ibex "
    "Jackal Jaguar Koala Lemur Leopard Lion Lynx Marten Moose Newt Ocelot Orca Otter Owl Panda Parrot Puffin Puma "
    "Raven Robin Salmon Seal Shark Sloth Stork Swan Tiger Turtle Walrus Wolf Wombat Yak Zebra"
)


@dataclass(frozen=True, slots=True)
class Drive:
    """What a player brings home from one game: points, the fastest lap in hundredths of a second, and crashes."""

    points: int
    lap: int
    crashes: int


@dataclass(frozen=True, slots=True)
class Player:
    name: str
    drives: tuple[Drive, ...]


def crowd(size: int, chance: random.Random) -> list[Player]:
    """Return ``size`` players: most play once or twice, skill is log-normal, and practice makes better."""
    return [_player(chance) for _ in range(size)]


def _player(chance: random.Random) -> Player:
    name = f"{chance.choice(FIRST_NAMES.split())} {chance.choice(LAST_NAMES.split())} {chance.randint(1, 99)}"
    skill = chance.lognormvariate(0, SKILL_SPREAD)
    games = min(MAX_GAMES, 1 + int(chance.expovariate(EAGERNESS)))
    return Player(name, tuple(_drive(skill, number, chance) for number in range(1, games + 1)))


def _drive(skill: float, number: int, chance: random.Random) -> Drive:
    """Return a drive whose points go into the hundred thousands, in steps of 5, and whose laps often tie."""
    form = skill * (1 + LEARNING * math.log2(number))
    luck, haste = (chance.lognormvariate(0, spread) for spread in (LUCK_SPREAD, HASTE_SPREAD))
    return Drive(
        points=5 * round(12_000 * form * luck),
        lap=1_900 + round(800 / math.sqrt(form * haste)),
        crashes=min(9, int(chance.expovariate(1 / haste))),
    )
