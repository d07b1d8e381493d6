"""One demo, from the boards it plays on to the verdict."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence

from local.demo import boards, portraits
from local.demo.boards import Board
from local.demo.client import Client, DemoError, Json, RefusedError
from local.demo.crew import Crew
from local.demo.crowd import Player
from local.demo.finale import Finale
from local.demo.league import League
from local.demo.operator import Operator
from local.demo.oracle import Row, standings
from local.demo.play import GAME_END, Account, play, register
from local.demo.screen import GREEN, RED, Exhibit, Line, Screen, milliseconds
from local.demo.verify import RANK_READ, differences, exact, read_entries, read_listing, row_of

TOP = 10
NEIGHBOURS = 7
FACES = 6
DIFFERENCES_SHOWN = 10


class Match:
    def __init__(self, client: Client, crew: Crew, screen: Screen, operator: Operator) -> None:
        self._client = client
        self._crew = crew
        self._screen = screen
        self._operator = operator
        self._started = time.monotonic()

    def run(self, players: Sequence[Player]) -> bool:
        """Play, show and verify; return whether everything was exact.

        If so, the best get their faces, and the round of the league that has gone on meanwhile comes to its end.
        """
        games = sum(len(player.drives) for player in players)
        self._screen.say(f"{len(players):,} players, {games:,} games, each with points and a fastest lap\n")
        both = self._created_boards()
        with self._screen.progress("registering", len(players)) as step:
            accounts = register(self._client, self._crew, players, step)
        with League(self._client, self._operator, accounts) as league:
            if not self._exact(both, accounts, games):
                return False
            return Finale(self._client, self._operator, self._screen).show(league)

    def _exact(self, both: tuple[Board, Board], accounts: Sequence[Account], games: int) -> bool:
        with self._screen.progress("playing", games) as step:
            played = play(self._client, self._crew, both, accounts, step)
        names = {account.player_id: account.player.name for account in accounts}
        somebody = secrets.choice(accounts).player_id
        for board in both:
            self._show(board, names, somebody, len(accounts))
        expected_by_board = {board: standings(board, played.submissions) for board in both}
        found = [*self._verified(names, expected_by_board), *played.oddities]
        self._tell(found)
        self._sum_up(games)
        if not found:
            self._portray(both[0], {account.player_id: account for account in accounts})
        return not found

    def _created_boards(self) -> tuple[Board, Board]:
        suffix = secrets.token_hex(3)
        both = boards.points(f"demo-points-{suffix}"), boards.fastest_lap(f"demo-lap-{suffix}")
        for board in both:
            try:
                self._client.post("admin", "admin/boards", board.definition(), self._operator.authorization)
            except RefusedError as error:
                raise DemoError(
                    f"{error}\nIs it a Laurel of another checkout? Stop it, or name another PORT."
                ) from error
        return both

    def _show(self, board: Board, names: Mapping[str, str], somebody: str, total: int) -> None:
        path = f"boards/{board.board_id}"
        top = self._client.get("top", f"{path}/entries?limit={TOP}")
        around = self._client.get("around", f"{path}/around/{somebody}?size={NEIGHBOURS}")
        title = f"{board.title}: the top {min(TOP, total)} of {total:,}"
        for heading, page in ((title, top), (f"{board.title}: around {names[somebody]}", around)):
            rows = [row_of(entry) for entry in page["entries"]]
            self._screen.show(heading, board, [_line(row, names, somebody) for row in rows])

    def _verified(self, names: Mapping[str, str], expected_by_board: Mapping[Board, Sequence[Row]]) -> Iterator[str]:
        self._screen.say()
        total = sum(map(len, expected_by_board.values()))
        with self._screen.progress("verifying", total) as step:
            entries_by_board = {
                board: read_entries(self._client, self._crew, board, rows, step)
                for board, rows in expected_by_board.items()
            }
        self._screen.say()
        for board, expected in expected_by_board.items():
            entries, listing = entries_by_board[board], read_listing(self._client, board, len(expected))
            found = differences(board, names, expected, entries, listing)
            count = exact(expected, entries)
            self._screen.say(f"{board.title}: {count:,} of {len(expected):,} ranks exact", RED if found else GREEN)
            yield from found

    def _tell(self, found: Sequence[str]) -> None:
        for each in found[:DIFFERENCES_SHOWN]:
            self._screen.say(f"  {each}", RED)
        if len(found) > DIFFERENCES_SHOWN:
            self._screen.say(f"  ... and {len(found) - DIFFERENCES_SHOWN:,} more differences", RED)

    def _portray(self, board: Board, account_by_id: Mapping[str, Account]) -> None:
        """Have the best players upload their faces, and show the board with them."""
        top = f"boards/{board.board_id}/entries?limit={FACES}"
        ranked = [entry["player_id"] for entry in self._client.get("top", top)["entries"]]
        best = [account_by_id[player_id] for player_id in ranked if player_id in account_by_id]
        self._screen.say()
        told = portraits.refusal(self._client, best[0])
        with self._screen.progress("portraying", len(best)) as step:
            portraits.paint(self._client, best, step)
        entries = portraits.entries_with_faces(self._client, top, account_by_id)
        title = f"{board.title}: the top {len(entries)}, with the faces they have uploaded"
        self._screen.hang(title, board, [_exhibit(entry) for entry in entries])
        self._screen.say(f"{best[0].player.name} had sent an SVG as a PNG before, and was told:\n  {told}")

    def _sum_up(self, games: int) -> None:
        took = self._client.seconds_by_kind
        requests, seconds = sum(map(len, took.values())), time.monotonic() - self._started
        rate = f"{requests / seconds:.0f} requests a second"
        self._screen.say(f"\n{games:,} games and {requests:,} requests in {seconds:.0f} s: {rate}")
        for kind in (GAME_END, RANK_READ):
            median, slowest = (milliseconds(took[kind], share) for share in (0.5, 0.99))
            self._screen.say(f"{kind}: half within {median}, 99 % within {slowest}")
        for reason, count in self._client.repeated.items():
            self._screen.say(f"sent again: {count:,} x {reason}")


def _exhibit(entry: Json) -> Exhibit:
    line = Line(entry["rank"], entry["display_name"], entry["score"], entry["subscore"])
    url = portraits.thumbnail(entry)
    return Exhibit(line, url, portraits.seen(url))


def _line(row: Row, names: Mapping[str, str], somebody: str) -> Line:
    # The name is the server's business; a stranger here is told of by the verification.
    name = names.get(row.player_id, row.player_id)
    return Line(row.rank, name, row.score, row.subscore, marked=row.player_id == somebody)
