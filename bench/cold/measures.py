"""All that is measured of cold starts."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cold import functions, sizes, trees
from bench.cold.clients import clients_made
from bench.cold.endpoint import endpoint
from bench.cold.sizes import Work
from bench.cold.starts import READ_BOARD, Start, Way, in_turns, ratio
from bench.cold.trees import Tree
from bench.scene import ENVIRONMENT
from deploy.package import MAX_ZIPPED_MB

MAX_RATIO = 1.3
ROUNDS, FUNCTION_ROUNDS = 15, 5
PAIRS, REQUESTS = 6, 20

LAUREL = "Laurel"
LAUREL_BEFORE = "Laurel before, packaged by chalice"
LAUREL_BY_CHALICE = "Laurel, packaged by chalice"
LEANEST = "leanest function, packaged by chalice"
LEANEST_COMPILED = "leanest function, with byte code"
LEANEST_PRUNED = "leanest function, with byte code, pruned"
LEANEST_UNCOLLECTED = "leanest function, with byte code, pruned, no garbage collected"
PEERS = (LEANEST, LEANEST_COMPILED, LEANEST_PRUNED, LEANEST_UNCOLLECTED)


@dataclass(frozen=True, slots=True)
class Results:
    trees: Mapping[str, Tree]
    starts: Mapping[str, Sequence[Start]]
    """By the way of starting, taking turns; most are named as the package that they start from."""
    functions: Mapping[str, Sequence[Start]]
    """Laurel's, by their names in app.py."""
    work: Mapping[str, Work]
    """What warm requests take."""
    clients: int
    """How many DynamoDB clients one process makes for one of every operation."""

    def ratio(self, peer: str) -> float:
        """Return how many times that of a peer Laurel's way to its first answer from DynamoDB is."""
        return ratio(self.starts[LAUREL], self.starts[peer])


def run(rounds: int = ROUNDS, function_rounds: int = FUNCTION_ROUNDS) -> Results:
    """Measure with the environment of the benchmarks, which has to be set before the app is imported."""
    os.environ.update(ENVIRONMENT)
    with TemporaryDirectory() as name, Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        folder = Path(name)
        unpacked = packages(folder)
        with endpoint(folder) as environment:
            starts = in_turns(list(_ways(unpacked)), environment, rounds)
            of_functions = in_turns(functions.ways(unpacked[LAUREL].path), environment, function_rounds)
        return Results(unpacked, starts, of_functions, sizes.measured(PAIRS, REQUESTS), clients_made())


def packages(folder: Path) -> dict[str, Tree]:
    """Package and unpack everything. Downloads dependencies several times, once they are not in pip's cache."""
    project = trees.today(folder / "today")
    ours, chalices = trees.ours(project), trees.chalices(project)
    unpacked = {
        LAUREL: trees.unpacked(ours, folder / "laurel"),
        LAUREL_BY_CHALICE: trees.unpacked(chalices, folder / "laurel-by-chalice"),
        LEANEST: trees.leanest(chalices, folder / "leanest", compiled=False),
        LEANEST_COMPILED: trees.leanest(chalices, folder / "leanest-compiled", compiled=True),
        LEANEST_PRUNED: trees.leanest(ours, folder / "leanest-pruned", compiled=True),
    }
    before = trees.before(folder / "before")
    if before:
        unpacked[LAUREL_BEFORE] = trees.unpacked(trees.chalices(before), folder / "laurel-before")
    return unpacked


def _ways(unpacked: Mapping[str, Tree]) -> Iterator[Way]:
    for name, tree in unpacked.items():
        handler = "leanest.handler" if name in PEERS else f"app.{functions.API}"
        yield Way(name, tree.path, handler, READ_BOARD)
    yield Way(LEANEST_UNCOLLECTED, unpacked[LEANEST_PRUNED].path, "leanest.handler", READ_BOARD, collects=False)


def broken_claims(results: Results) -> list[str]:
    slower = [
        f"a cold start takes {results.ratio(peer):.2f} times as long as that of the {peer}: more than {MAX_RATIO}"
        for peer in PEERS
        if results.ratio(peer) > MAX_RATIO
    ]
    clients = [] if results.clients == 1 else [f"{results.clients} DynamoDB clients in one process, not 1"]
    zipped = results.trees[LAUREL].zipped
    larger = [] if zipped <= MAX_ZIPPED_MB else [f"the package has {zipped:.1f} MB, more than {MAX_ZIPPED_MB}"]
    return [*slower, *clients, *larger]
