"""The page of cold starts: docs/explanation/cold-start.md."""

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.canned import LATENCY_MS
from bench.cold import sizes
from bench.cold.functions import API, AUTHORIZER
from bench.cold.measures import (
    LAUREL,
    LAUREL_BEFORE,
    LAUREL_BY_CHALICE,
    LEANEST,
    LEANEST_COMPILED,
    LEANEST_PRUNED,
    LEANEST_UNCOLLECTED,
    MAX_RATIO,
    PEERS,
    Results,
)
from bench.cold.starts import Start, shortest
from bench.cold.trees import BEFORE
from bench.operations import GAME_END
from deploy.package import MAX_ZIPPED_MB

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "cold-start.md"
_SHOWN = (LAUREL_BEFORE, LAUREL_BY_CHALICE, LAUREL, LEANEST, LEANEST_COMPILED, LEANEST_PRUNED, LEANEST_UNCOLLECTED)
_HEAVY = ("botocore", "pynamodb", "jwt")


def written(results: Results) -> str:
    """Return the whole document."""
    sections = (_opening(), _starts(results), _packages(results), _functions(results), _sizes(results), _elsewhere())
    return "\n\n".join(sections) + "\n"


def _opening() -> str:
    return f"""\
# Cold starts

What a new process takes until it has its first answer from DynamoDB, what is sent to Lambda for it, and how much memory
to give a function. Every figure is measured by `python -m bench.cold`, which writes this page: edit
`bench/cold/page.py`, not this. What was chosen, and what not: [cold starts](../decisions/0015-cold-starts.md).

Ratios come from starts that take turns, and hold on other machines; times do not. This one has {os.cpu_count()} cores,
{platform.system()} on {platform.machine()}, Python {platform.python_version()}, botocore {version("botocore")} and
PynamoDB {version("pynamodb")}. Nothing here ran on Lambda."""


def _starts(results: Results) -> str:
    rows = [_way(results, name) for name in _SHOWN if name in results.starts]
    return f"""\
## Until the first answer

{_table(["", "first answer, ms", "of which imports, ms", "Laurel ÷ this"], rows)}

The bound is {MAX_RATIO}, against every one of the leanest. Each start is a fresh interpreter on an unpacked package,
with nothing else to import and nothing written, timed by its processor from its first line on: the shortest of each
way, and the median of the ratios of {len(results.starts[LAUREL])} rounds. The call goes to an endpoint on this
machine, over TLS, with as many certificates to read as botocore brings.

- **Leanest** is `bench/cold/leanest.py`: one PynamoDB model, one read, no framework, its region stated, credentials
  from the environment. It is given what Laurel's package and start are made of, one thing after another.
- **Before** is commit `{BEFORE}`, the last that chalice packaged by itself.

What made the difference:

- **Byte code.** Lambda's folder of a function cannot be written to. Without byte code in the package, every cold start
  compiles what it imports. chalice packages none; `deploy/` does, for the Python that runs it.
- **Less to read.** botocore goes through a folder for every service of AWS, and reads a list of all their endpoints and
  DynamoDB's description with its documentation. The package has those of services that are called, without prose.
- **No garbage looked for** while imports and clients are made: all of it stays (`chalicelib/loading.py`).
- **Certificates.** botocore brings those of more than a hundred authorities. Amazon's five are read first, and the
  others where these do not vouch for a host: whom we believe is the same (`chalicelib/store/trust.py`).
- **Structs for domain values.** Each frozen dataclass is source text that is compiled when it is imported.
- **Only what a function needs**, see below."""


def _packages(results: Results) -> str:
    rows = [
        [name, f"{tree.zipped:.1f}", f"{tree.unzipped:.1f}"]
        for name in (LAUREL_BEFORE, LAUREL)
        if (tree := results.trees.get(name))
    ]
    return f"""\
## The package

{_table(["", "zipped, MB", "unzipped, MB"], rows)}

More than {MAX_ZIPPED_MB} MB zipped are refused, as are wheels that were built on the machine that packages, and
compiled libraries that ask for a newer C library, another processor, or libraries that Lambda does not have: the error
names the file and what to do. Each dependency's METADATA stays, in which Amazon Inspector looks for what is vulnerable,
and so do licences.

`tests/deploy/test_unpacked.py` runs every function from the unpacked package, with nothing else to import, in each of
Python 3.11, 3.12 and 3.13 that it finds, and names those that it does not; and a picture of every format becomes an
avatar there. Compiled libraries are packaged and checked for all three on x86-64, and for the first on arm64. Two
thirds of the package are Pillow, which `make_avatar` alone reads, in a child of its own."""


def _functions(results: Results) -> str:
    rows = [_function(name, shortest(starts)) for name, starts in results.functions.items()]
    heads = ["function", "init, ms", "first answer, ms", "modules", f"of {', '.join(_HEAVY)}", "memory, MiB"]
    return f"""\
## Function by function

{_table(heads, rows)}

Lambda says which function a process is for, and `app.py` imports the routes in the API's alone: those that players
call all the time, before the first request; any others, and what services are made of, with the first request that
takes them. The authorizer stands before every request of a player whose token API Gateway has not seen for five
minutes: it has neither botocore nor PynamoDB. Functions of the stream, of operators, of the schedule, of notices and of
alarms import their part in their first call, for which nobody waits. A process makes one client of DynamoDB, whatever
it serves ({results.clients} counted).
`tests/deploy/test_cold_start.py` holds each function to a budget of modules, which no busy machine can move,
and the API to the leanest function's time."""


def _sizes(results: Results) -> str:
    cold, game_end = shortest(results.functions[API]).called, results.work[GAME_END]
    saved = 1 - game_end.dollars(512, "x86_64") / game_end.dollars(1024, "x86_64")
    return f"""\
## How much memory

Lambda gives a function processor time in proportion to its memory: one processor at {sizes.WHOLE_PROCESSOR_MB:,} MB.
So these durations are reckoned, not measured: processor time of this machine by the share of one, plus {LATENCY_MS:g}
ms of waiting for each call to DynamoDB, as if all came one after the other. A cold start is that of the API until its
first answer. Yours differ; how they move with memory does not.

{sizes.report(cold, results.work)}

- **The API, 1,024 MB** (as configured). Half of it would save {saved:.0%} of what `gameEnd` costs, and make every cold
  start twice as long; at {sizes.WHOLE_PROCESSOR_MB:,} MB a cold start is shortest, and more than that only costs.
- **The authorizer, 512 MB.** Once it runs, it does no more than check a signature; its cold start is
  {shortest(results.functions[AUTHORIZER]).called:.0f} ms of a whole processor.
- **The stream, notices, seasons, audits, rebuilds, 1,024 MB**: as the API, as they do the same work in batches.
- **Alarms, 512 MB**: two calls for each change of one, and nobody waits.
- **Avatars, 1,024 MB.** A picture is all processor time: half the memory takes twice as long for the same price, while
  a player waits. 512 MB are enough: what renders it is held to a share that leaves room for the rest.
- **128 MB is a false economy**: a request takes longer by more than it costs less, and a cold start takes seconds.
- **arm64** costs a fifth less for the same duration. Every dependency has wheels for it, which a test packages."""


def _elsewhere() -> str:
    return """\
## What only AWS can show

How long Lambda takes to fetch the package and start the interpreter before all this, and how its processors compare to
this one. Two thirds of the package are for `make_avatar` alone, and Lambda unpacks it for every function: what that
takes, and whether [a layer](../decisions/0020-serving-avatars.md) would be worth its price, shows there. SnapStart and
provisioned concurrency, where cold starts matter at all, skip what is measured here and cost money of their own."""


def _way(results: Results, name: str) -> Sequence[str]:
    start, ratio = shortest(results.starts[name]), f"{results.ratio(name):.2f}"
    return [name, f"{start.called:.0f}", f"{start.imported:.0f}", f"**{ratio}**" if name in PEERS else ratio]


def _function(name: str, start: Start) -> Sequence[str]:
    figures = [f"{start.imported:.0f}", f"{start.called:.0f}", f"{len(start.modules)}"]
    memory = "" if start.mebibytes is None else f"{start.mebibytes:.0f}"
    return [f"`{'api_handler' if name == API else name}`", *figures, ", ".join(_loaded(start)) or "none", memory]


def _loaded(start: Start) -> Iterable[str]:
    modules = set(start.modules)
    return (name for name in _HEAVY if name in modules)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])
