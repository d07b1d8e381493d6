"""Holds what Laurel answers against the oracle: every player's own rank, and the whole listing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from local.demo.boards import Board
from local.demo.client import Client, DemoError, RefusedError
from local.demo.crew import Crew
from local.demo.oracle import Row

RANK_READ = "rank read"
NO_RECORD = "record_not_found"
PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A player's own entry, as read one by one; ``row`` None: there is none."""

    row: Row | None
    total: int


def read_entries(
    client: Client, crew: Crew, board: Board, rows: Sequence[Row], done: Callable[[], object]
) -> dict[str, Entry]:
    """Return the own entries, by player, of everybody who should have one."""
    player_ids = [row.player_id for row in rows]
    return dict(zip(player_ids, crew.each(partial(_entry, client, board), player_ids, done), strict=True))


def _entry(client: Client, board: Board, player_id: str) -> Entry:
    try:
        answer = client.get(RANK_READ, f"boards/{board.board_id}/entries/{player_id}")
    except RefusedError as error:
        if error.code != NO_RECORD:
            raise
        return Entry(None, 0)
    return Entry(row_of(answer["entry"]), answer["total"])


def read_listing(client: Client, board: Board, expected: int) -> list[Row]:
    """Return all rows, page by page along the cursors."""
    rows: list[Row] = []
    path = f"boards/{board.board_id}/entries?limit={PAGE_SIZE}"
    cursor = ""
    # One page more than needed tells of rows nobody submitted; a listing without end is cut off there.
    for _ in range(expected // PAGE_SIZE + 2):
        page = client.get("page", path + cursor)
        rows.extend(row_of(entry) for entry in page["entries"])
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"
    raise DemoError(f"{board.title}: the listing does not end after {len(rows):,} rows; {expected:,} were expected")


def row_of(entry: Mapping[str, object]) -> Row:
    return Row(entry["rank"], entry["player_id"], entry["score"], entry["subscore"])  # type: ignore[arg-type]  # as the API says


def exact(expected: Sequence[Row], entries: Mapping[str, Entry]) -> int:
    """Return of how many players the own entry is as expected, the total included."""
    return sum(entries[row.player_id] == Entry(row, len(expected)) for row in expected)


def differences(
    board: Board,
    names: Mapping[str, str],
    expected: Sequence[Row],
    entries: Mapping[str, Entry],
    listing: Sequence[Row],
) -> list[str]:
    """Return what is not as expected, in words, what may have caused the rest first.

    Args:
        names: By player.
        expected: The oracle's rows.
        entries: What was read one by one, by player; of everybody expected.
        listing: What was read page by page.
    """
    found = [
        *_wrong_scores(board, names, expected, entries),
        *_strangers(board, expected, listing),
        *_wrong_ranks(board, names, expected, entries),
        *_wrong_listing(board, names, expected, listing),
    ]
    return [f"{board.title}: {each}" for each in found]


def _wrong_scores(
    board: Board, names: Mapping[str, str], expected: Sequence[Row], entries: Mapping[str, Entry]
) -> Iterator[str]:
    for row in expected:
        entry, best = entries[row.player_id].row, board.shown(row.score, row.subscore)
        if entry is None:
            yield f"{names[row.player_id]} has no entry, but submitted {best}"
        elif (entry.score, entry.subscore) != (row.score, row.subscore):
            shown = board.shown(entry.score, entry.subscore)
            yield f"{names[row.player_id]} has {shown}, but the best submitted is {best}"


def _strangers(board: Board, expected: Sequence[Row], listing: Sequence[Row]) -> Iterator[str]:
    known = {row.player_id for row in expected}
    for row in listing:
        if row.player_id not in known:
            yield f"player {row.player_id}, who has not played, has {board.shown(row.score, row.subscore)}"


def _wrong_ranks(
    board: Board, names: Mapping[str, str], expected: Sequence[Row], entries: Mapping[str, Entry]
) -> Iterator[str]:
    for row in expected:
        entry = entries[row.player_id]
        player = f"{names[row.player_id]} ({board.shown(row.score, row.subscore)})"
        if entry.row is not None and entry.row.rank != row.rank:
            yield f"{player} has rank {entry.row.rank:,}, should have {row.rank:,}"
        if entry.row is not None and entry.total != len(expected):
            yield f"{player} is told a total of {entry.total:,}, should be {len(expected):,}"


def _wrong_listing(
    board: Board, names: Mapping[str, str], expected: Sequence[Row], listing: Sequence[Row]
) -> Iterator[str]:
    if len(listing) != len(expected):
        yield f"the listing has {len(listing):,} rows, should have {len(expected):,}"
    for position, (row, found) in enumerate(zip(expected, listing, strict=False), start=1):
        if row != found:
            yield (
                f"the listing shows {_described(board, names, found)} at position {position:,}, "
                f"should show {_described(board, names, row)}"
            )
            # Once out of step, the rest of it is.
            return


def _described(board: Board, names: Mapping[str, str], row: Row) -> str:
    name = names.get(row.player_id, row.player_id)
    return f"{name} with {board.shown(row.score, row.subscore)} as number {row.rank:,}"
