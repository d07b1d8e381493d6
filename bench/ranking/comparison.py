"""The report's sections on the contest: what every peer took, and where each is better."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.capacity import item_size, read_units
from bench.ranking import bills, contest, counting, latencies, laurel, prices, tiers
from bench.ranking.figures import Burst, Findings, OperationFigures, SizeFigures, Timing
from bench.ranking.markdown import dollars, number, table, units
from bench.ranking.peer import AROUND, TOP, WITHOUT_TOTAL, Line, Operation

_ASSUMED_LATENCIES = {
    "DynamoDB, one request": latencies.DYNAMODB,
    "DynamoDB, one transaction": latencies.DYNAMODB_TRANSACTION,
    "Redis (ElastiCache, same zone)": latencies.REDIS,
    "PostgreSQL (RDS, same zone)": latencies.POSTGRES,
}
_RATES = (0.1, 1, 10, 100, 1000)
_LARGE = 100_000
_LEAST_RATE = 0.001
_LEAN_ROW = {"board": {"S": "points"}, "score": {"N": "50001"}, "player_id": {"S": "0" * 32}}
"""The least that an index in order of scores can hold of a record."""
_PARTITION_READ_UNITS = 3_000
"""A second, of one partition of DynamoDB: what all entries of one board share in a plain index."""


def sections(findings: Findings, machine: Mapping[str, Any]) -> Iterator[str]:
    yield _who(findings, machine)
    yield _own_rank(findings)
    yield _operations(findings)
    yield _units(findings)
    yield _burst(findings)
    yield _space(findings)
    yield _money(findings)
    yield _elsewhere(findings)
    yield _assumptions()
    if findings.missing:
        yield _missing(findings)


def _who(findings: Findings, machine: Mapping[str, Any]) -> str:
    versions = {peer.peer: peer.version for each in findings.sizes for peer in each.peers}
    about = {
        laurel.NAME: "its deployed services, through its own client. A submission is what a game's end does: the "
        "player's profile checked, a receipt kept, ranks before and after answered, all in one transaction",
        counting.NAME: "the usual DynamoDB advice, on the very items of Laurel's records and their ordered index. A "
        "submission is one conditional update",
        tiers.NAME: "the same, with a job that counts fixed tiers and keeps the counts; a rank is interpolated",
        "Redis, memory only": "a sorted set and a hash of names, one script and one round trip an operation",
        "Redis, AOF every second": "the same, appending to a file that reaches the disk every second",
        "PostgreSQL": "a table, an index in rank order that answers alone, ranks by two range counts: the better "
        "records, and all (without them no percentile)",
    }
    rows = [(name, about[name], versions[name]) for name in findings.names()]
    lines = [f"| {' | '.join(row)} |" for row in (("peer", "what it is", "measured on"), ("---",) * 3, *rows)]
    return f"""\
## Who takes part, and how

{chr(10).join(lines)}

- All peers of one size in one run, on one machine: {machine["cores"]} cores, {machine["system"]},
  Python {machine["python"]}, {machine["date"]}.
  Client and servers share the cores, with whatever else the machine did: {findings.load} processes wanted a processor
  at the end. Ratios hold elsewhere, times do not, and a p99 least of all.
- The same work: players of the same log-normal scores, the same readers spread evenly over the ranks, the same writers
  whose scores improve. Peers take turns, block by block, over {contest.ROUNDS} rounds; p50 is the median of the rounds'
  medians, p99 is of all samples.
- **Every answer is checked** against a sorted list, ties included (competition ranks, 1-1-3). A wrong one voids its
  peer. The tiers are estimates: how far off they are is their result.
- Entries are listed with display names by all. Redis and PostgreSQL get settings for a small server of their own,
  prepared statements and scripts, and parallel index-only scans."""


def _own_rank(findings: Findings) -> str:
    heads = ["records", *findings.names()]
    blocks = []
    for line, title in ((Line.LOOPBACK, "over loopback"), (Line.INJECTED, "with AWS's latency injected")):
        rows = [
            [f"{each.size:,}", *(_p50_p99(each, name, line) for name in findings.names())] for each in findings.sizes
        ]
        blocks.append(f"Milliseconds {title}, p50 / p99:\n\n{table(heads, rows)}")
    found = findings.largest
    return f"""\
## A player's own rank

"You are 137,862nd": the one question an ordered index does not answer.

![Own rank by size of board](../images/ranking/own-rank.svg)

{(chr(10) * 2).join(blocks)}

{_pages(found)}"""


def _pages(found: SizeFigures) -> str:
    """Return what the COUNT query is bound to take on AWS, whatever a machine here makes of it."""
    peer = found.of(counting.NAME)
    own = peer.operations[Operation.OWN_RANK] if peer else None
    if own is None or own.capacity is None or own.exchange is None or found.size < _LARGE:
        return ""
    seconds = own.capacity.read_units / _PARTITION_READ_UNITS
    return f"""\
**Do not take the times of the COUNT query for AWS's.** They are DynamoDB Local's own: it takes longer for a page of a
query the more is left of it, so that they grow faster than the board. {_in_pieces(found)}

On AWS two things bound the query from below, whatever the machine: at {found.size:,} records a rank takes
{units(own.exchange.rounds)} requests one after the other, and {units(own.capacity.read_units)} read units of a
partition that gives {_PARTITION_READ_UNITS:,} a second: {number(seconds)} s for one player's rank, while all others
wait. By that bound alone, and Laurel's time with latency injected, the COUNT query is
{_bound_ratio(found, seconds)} times slower."""


def _in_pieces(found: SizeFigures) -> str:
    """Return what counting takes where no query is long."""
    ours, counted = found.of(laurel.NAME), found.of(tiers.NAME)
    own = ours.operations[Operation.OWN_RANK].loopback if ours else None
    if own is None or counted is None or counted.recount is None or counted.recount.seconds is None:
        return ""
    half = counted.recount.seconds / 2
    return (
        f"In pieces, as the tiers are recounted, half of the index is counted in {number(half)} s,\n"
        f"{number(1000 * half / own.p50_ms)} times as long as Laurel takes for a rank."
    )


def _bound_ratio(found: SizeFigures, seconds: float) -> str:
    ours = found.of(laurel.NAME)
    timing = ours.operations[Operation.OWN_RANK].injected if ours else None
    return number(1000 * seconds / timing.p50_ms) if timing else "many"


def _p50_p99(found: SizeFigures, name: str, line: Line) -> str:
    peer = found.of(name)
    return _timing(getattr(peer.operations[Operation.OWN_RANK], line.value) if peer else None)


def _timing(timing: Timing | None) -> str:
    if timing is None:
        return "-"
    few = f" ({timing.samples})" if timing.samples < 100 else ""  # noqa: PLR2004  # where a p99 begins to be one
    return f"{number(timing.p50_ms)} / {number(timing.p99_ms)}{few}"


def _operations(findings: Findings) -> str:
    parts = [_operations_at(each) for each in reversed(findings.sizes)]
    smaller = "\n\n".join(parts[1:])
    return f"""\
## All operations

![All operations on the largest board](../images/ranking/operations.svg)

{parts[0]}

Requests go to the server; rounds are those that follow one another; bytes are payload on the wire, without TLS. Read
and write units are what the endpoint reports, then what the published rules count (`bench/capacity.py`). DynamoDB Local
charges nothing for keys and queries that find nothing, DynamoDB does: where only that differs, ours is the higher
figure. Transactions are counted part by part, doubled. In brackets: samples, where they are few.

<details><summary>The smaller boards</summary>

{smaller}

</details>"""


def _operations_at(found: SizeFigures) -> str:
    heads = [f"{found.size:,} records", "loopback ms, p50 / p99", "injected ms, p50 / p99", "requests", "rounds"]
    heads += ["bytes out", "in", "RRU reported", "counted", "WRU reported", "counted"]
    rows = [
        [f"**{operation}**: {peer.peer}", *_operation_cells(peer.operations[operation])]
        for operation in Operation
        for peer in found.peers
    ]
    return table(heads, rows)


def _operation_cells(each: OperationFigures) -> list[str]:
    exchange = each.exchange
    sent = [exchange.requests, exchange.rounds, exchange.bytes_out, exchange.bytes_in] if exchange else [None] * 4
    reported, counted = each.reported, each.counted
    reads = [units(capacity.read_units if capacity else None) for capacity in (reported, counted)]
    writes = [units(capacity.write_units if capacity else None) for capacity in (reported, counted)]
    shown = [units(sent[0]), units(sent[1]), *(f"{size:,.0f}" if size is not None else "-" for size in sent[2:])]
    return [_timing(each.loopback), _timing(each.injected), *shown, *reads, *writes]


def _units(findings: Findings) -> str:
    paid = (laurel.NAME, counting.NAME, tiers.NAME)
    heads = ["records", *paid, "COUNT ÷ Laurel", "one recount of the tiers"]
    rows = [_units_row(each, paid) for each in findings.sizes]
    return f"""\
## Read units of an own rank

![Read units of an own rank](../images/ranking/units.svg)

{table(heads, rows)}

Mean of five players spread over the ranks, or the one in the middle where counting takes seconds. Laurel's five units
are the record, three nodes and the mark, each read consistently; the COUNT reads half of the board's index rows,
eventually consistent.

The index is the one that also lists the board: its rows show names. An index of its own for counting, with nothing in
it but board, score and player ({item_size(_LEAN_ROW)} bytes a row), would read {units(_lean_units(findings))} units for
the player in the middle of {findings.largest.size:,}, and add its own write to every submission."""


def _lean_units(findings: Findings) -> float:
    return read_units([findings.largest.size // 2 * item_size(_LEAN_ROW)], consistent=False)


def _units_row(found: SizeFigures, paid: tuple[str, ...]) -> list[str]:
    reads = [_read_units(found, name) for name in paid]
    times = reads[1] / reads[0] if reads[0] and reads[1] else None
    counted = found.of(tiers.NAME)
    recount = counted.recount.capacity.read_units if counted and counted.recount else None
    return [f"{found.size:,}", *map(units, reads), number(times), units(recount)]


def _read_units(found: SizeFigures, name: str) -> float | None:
    peer = found.of(name)
    capacity = peer.operations[Operation.OWN_RANK].capacity if peer else None
    return capacity.read_units if capacity else None


def _burst(findings: Findings) -> str:
    found = findings.largest
    heads = [
        "peer",
        "writes",
        "seconds",
        "writes/s",
        "at once: mean",
        "most",
        "a second later: mean",
        "most",
        "readers",
    ]
    rows = [_burst_row(peer.peer, peer.burst) for peer in found.peers if peer.burst]
    return f"""\
## Ranks after a burst

![Worst error after a burst](../images/ranking/burst.svg)

Submissions as fast as they go, from eight threads of one process, then ranks read at once and again when a second has
passed; on {found.size:,} records. Errors are in places, against the sorted list.

{table(heads, rows)}

What a submission of Laurel's leaves to the records' stream, under contention, is settled within that second, as the
function on the stream does it. DynamoDB Local's indexes follow their table at once, AWS's usually within milliseconds.
For that long a listing, a COUNT, and the few records of one bin in Laurel's rank may be behind.{_unasked(found)}

{_recount(found)}"""


def _burst_row(name: str, burst: Burst) -> list[str]:
    return [
        name,
        f"{burst.writes:,}",
        number(burst.seconds),
        number(burst.writes / burst.seconds),
        units(burst.at_once.mean),
        f"{burst.at_once.most:,}",
        units(burst.after_a_second.mean),
        f"{burst.after_a_second.most:,}",
        str(burst.at_once.readers),
    ]


def _unasked(found: SizeFigures) -> str:
    names = ", ".join(peer.peer for peer in found.peers if peer.burst is None)
    return f" Not asked, since one rank takes more than half a minute here: {names}." if names else ""


def _recount(found: SizeFigures) -> str:
    peer = found.of(tiers.NAME)
    if peer is None or peer.recount is None:
        return ""
    each = peer.recount
    monthly = prices.of_units(each.capacity) * prices.SECONDS_A_MONTH / prices.RECOUNT_EVERY_SECONDS
    return f"""\
### The tiers

{each.tiers} tiers, their edges set to the very scores that are there. Right after a recount a rank is off by
{number(each.misses.mean)} places on average and by {each.misses.most:,} at most; what the burst did stays unseen until
the next one. One recount reads {units(each.capacity.read_units)} units and takes {number(each.seconds, " s")} here;
every minute that is {dollars(monthly)} a month, whether anybody plays or not. Scores that drift away from the edges
add to that error, which is not measured here."""


def _space(findings: Findings) -> str:
    found = findings.largest
    rows = [
        [peer.peer, number(peer.footprint.memory), number(peer.footprint.stored)]
        for peer in found.peers
        if peer.footprint
    ]
    heads = ["peer", "bytes of memory per record", "bytes stored per record"]
    return f"""\
## Space

{table(heads, rows)}

On {found.size:,} records. Memory: for Redis what its process grew by; for PostgreSQL the two indexes, which ranks and
submissions want in memory; for DynamoDB none is anybody's to provide. Stored: for DynamoDB by the published sizes, 100
bytes of overhead for each item and index row included (Laurel: record, its row in the ordered index, mark, and a share
of the nodes). A player without a record on a board takes nothing anywhere."""


def _money(findings: Findings) -> str:
    found = findings.largest
    return f"""\
## Money

![A month's bill by load](../images/ranking/money.svg)

{_per_million(found)}

{_monthly(found)}

List prices, {prices.REGION}, as noted in {prices.NOTED}: **assumptions to be checked**, all of them in
`bench/ranking/prices.py`. ${prices.WRITE_UNIT * prices.MILLION:.3f} and
${prices.READ_UNIT * prices.MILLION:.3f} per million write and read request units, ${prices.STORED_GB_MONTH} per GB and
month. A server is the smallest instance of which records (Redis) or indexes (PostgreSQL) fill at most half the memory,
twice: one to answer and one to take over. Left out: Lambda and the gateway, which all need; the private network that
lets Lambda reach a server, and the people who keep it, which only servers need."""


def _per_million(found: SizeFigures) -> str:
    heads = ["dollars per million", *(str(operation) for operation in Operation), "plays"]
    rows = []
    for peer in found.peers:
        capacities = {operation: each.capacity for operation, each in peer.operations.items()}
        known = {operation: capacity for operation, capacity in capacities.items() if capacity}
        if len(known) == len(Operation):
            each = [dollars(prices.of_units(capacity) * prices.MILLION) for capacity in known.values()]
            rows.append([peer.peer, *each, dollars(prices.of_play(known) * prices.MILLION)])
    for bill in bills.of(found):
        if not bill.play:
            at_rates = ", ".join(
                f"{dollars(prices.million_at(bill.monthly, rate))} at {rate:g}/s"
                for rate in _RATES
                if bill.carries is None or rate <= bill.carries
            )
            rows.append([f"{bill.peer} ({bill.says})", *["-"] * len(Operation), at_rates])
    return f"""\
A play is one of each operation. DynamoDB is paid by the operation; a server is paid by the hour, so its plays cost what
the load makes of them.

{table(heads, rows)}"""


def _monthly(found: SizeFigures) -> str:
    made = bills.of(found)
    ours = next((bill for bill in made if bill.peer == laurel.NAME), None)
    heads = ["dollars a month", "for", *(f"{rate:g} plays/s" for rate in _RATES), "cheaper than Laurel"]
    rows = [
        [bill.peer, bill.says, *(_amount(bill, rate) for rate in _RATES), _cheaper_when(bill, ours)] for bill in made
    ]
    limits = ", ".join(f"{bill.peer} {number(bill.carries)}" for bill in made if bill.carries)
    return f"""\
Every month, for {found.size:,} records:

{table(heads, rows)}

Where a dash stands, one server is not enough. Plays a second that one gets done, one after the other, by the times
measured here: {limits}. The smallest instances do not keep that up: they save up processor time, and spend it."""


def _amount(bill: bills.Bill, rate: float) -> str:
    return "-" if bill.carries is not None and rate > bill.carries else dollars(bill.at(rate))


def _cheaper_when(bill: bills.Bill, ours: bills.Bill | None) -> str:
    """Return at which loads a peer's bill is below ours: two lines that cross once, or never."""
    if ours is None or bill.peer == ours.peer:
        return "-"
    monthly, play = bill.monthly - ours.monthly, bill.play - ours.play
    if (monthly < 0) == (play < 0):
        return "always" if play < 0 else "never"
    rate = -monthly / play / prices.SECONDS_A_MONTH
    if play < 0:
        return f"from {number(rate)} " + (f"to {number(bill.carries)} plays/s" if bill.carries else "plays/s on")
    return f"up to {rate:.3f} plays/s" if rate >= _LEAST_RATE else "while nobody plays"


def _elsewhere(findings: Findings) -> str:
    found = findings.largest
    return f"""\
## Where a peer is better

{chr(10).join(f"- {line}" for line in _advantages(found))}"""


def _advantages(found: SizeFigures) -> Iterator[str]:
    ours = found.of(laurel.NAME)
    cache, relational = found.of("Redis, AOF every second"), found.of("PostgreSQL")
    plain = found.of(counting.NAME)
    if ours and cache:
        yield (
            f"**Redis is faster at everything**: an own rank in {_ms(cache.operations, Operation.OWN_RANK)} ms against "
            f"{_ms(ours.operations, Operation.OWN_RANK)} with latency injected, a submission in "
            f"{_ms(cache.operations, Operation.SUBMIT)} against {_ms(ours.operations, Operation.SUBMIT)}; one command "
            "does what takes Laurel a transaction, and one small server carries thousands of operations a second. "
            "It can lose the last second of scores when it crashes, scores beyond 2^53 or with a subscore do not fit "
            "its doubles, and somebody has to keep it."
        )
    made = {bill.peer: bill for bill in bills.of(found)}
    if laurel.NAME in made:
        yield from _cheaper(made)
    if relational:
        alone = relational.aside.get(WITHOUT_TOTAL)
        yield (
            "**PostgreSQL answers any other question too**: joins, filters, ranks among friends or by country, without "
            "an index made for each. Its rank is exact and grows with the board: "
            f"{_ms(relational.operations, Operation.OWN_RANK)} ms at {found.size:,} records, both cores counting"
            + (f"; {number(alone.p50_ms)} ms over loopback where nobody asks for the total" if alone else "")
            + ". Up to some ten thousand records that is faster than Laurel. Its top stays fast at any size."
        )
    if ours and plain:
        yield (
            "**A plain index is better where nobody asks for ranks**: a submission takes "
            f"{units(_write(plain.operations))} write units in one request, Laurel's {units(_write(ours.operations))} "
            f"in {units(_rounds(ours.operations))} rounds. On boards of a few hundred players the COUNT query also "
            "reads fewer units than the rank index."
        )
    yield '**Tiers are enough for "top 5 %"**, if a minute old is new enough: one read, and no index to keep exact.'
    yield "**Memory answers within a frame of the game**; nothing that is asked over a network in milliseconds does."


def _cheaper(made: Mapping[str, bills.Bill]) -> Iterator[str]:
    ours = made[laurel.NAME]
    servers = [bill for bill in made.values() if bill.carries and bill.monthly > ours.monthly]
    if servers:
        listed = ", ".join(f"{bill.peer} {_cheaper_when(bill, ours)}" for bill in servers)
        yield f"**Servers are cheaper under steady load**: {listed}. Below that, and when nobody plays, Laurel is."


def _ms(operations: Mapping[Operation, OperationFigures], operation: Operation) -> str:
    timing = operations[operation].injected
    return number(timing.p50_ms if timing else None)


def _write(operations: Mapping[Operation, OperationFigures]) -> float | None:
    capacity = operations[Operation.SUBMIT].capacity
    return capacity.write_units if capacity else None


def _rounds(operations: Mapping[Operation, OperationFigures]) -> float | None:
    exchange = operations[Operation.SUBMIT].exchange
    return exchange.rounds if exchange else None


def _assumptions() -> str:
    rows = [[name, f"{1000 * seconds:g} ms"] for name, seconds in _ASSUMED_LATENCIES.items()]
    return f"""\
## What is assumed

The injected latency holds every request, in a wire of its own between client and server, for as long as the service is
assumed to take to answer from the same region, whatever the server on this machine takes on top:

{table(["round trip", "assumed"], rows)}

These are round figures for medians, without a tail: the p99 shown is this machine's. A top is {TOP} entries, a
neighbourhood {AROUND}. The wire itself adds some tenths of a millisecond, to all alike."""


def _missing(findings: Findings) -> str:
    lines = [f"- {name}: {reason}." for name, reason in findings.missing.items()]
    return "## Not measured\n\n" + "\n".join(lines)
