"""All that is measured of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.pictures import packages, quality, ways
from bench.pictures.packages import Weight
from bench.pictures.photographs import photograph, photographs
from bench.pictures.quality import Losses
from bench.pictures.ways import EACH_FILE, LAUREL, Made
from chalicelib.pictures.confinement import MIB, Bounds

MAX_RATIO = 1.3
FUNCTION_MIB = 512
"""What Lambda gives the function, at the least."""
CHILD_MIB = Bounds().memory // MIB
"""What the kernel lets a child have of it, whatever the picture."""
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Results:
    usual: Mapping[str, Sequence[Made]]
    """A JPEG of 12 megapixels, by every way."""
    kinds: Mapping[str, Mapping[str, Sequence[Made]]]
    """Every picture, by Laurel and by one vipsthumbnail for each file."""
    losses: Mapping[str, Mapping[str, Losses]]
    """By picture and by shortcut."""
    weights: Mapping[str, Weight]
    libvips: str


def run(rounds: int = ROUNDS, megapixels: tuple[int, int] = (12, 48)) -> Results:
    """Measure. Takes a minute, and 100 MB of a temporary folder."""
    with TemporaryDirectory() as name:
        pictures = list(photographs(Path(name), megapixels))
        usual = ways.in_turns(ways.tasks(pictures[0], Path(name)), rounds)
        kinds = {each.name: ways.in_turns(ways.two_ways(each, Path(name)), rounds // 2 + 1) for each in pictures}
    lost = {
        "photograph": quality.losses(photograph(4000, 3000)),
        "drawing": quality.losses(quality.drawing(4000, 3000)),
    }
    return Results(usual, kinds, lost, packages.weights(), ways.version())


def broken_claims(results: Results) -> list[str]:
    times = ways.ratio(results.usual[LAUREL], results.usual[EACH_FILE])
    slower = [f"the four sizes take {times:.2f} times as long as by vipsthumbnail: more than {MAX_RATIO}"]
    larger = [
        f"{name} takes {peak(made[LAUREL]):.0f} MiB, more than {CHILD_MIB}"
        for name, made in results.kinds.items()
        if peak(made[LAUREL]) > CHILD_MIB
    ]
    return [*(slower if times > MAX_RATIO else []), *larger]


def peak(made: Sequence[Made]) -> float:
    """Return the MiB of the largest process of any."""
    return max(each.mebibytes for each in made)
