"""What the models write, they read back: boards, games, players, sessions."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.avatars import Crop, MediaType, Refusal, Refused, Upload, UploadState
from chalicelib.domain.boards import Board, Limits
from chalicelib.domain.games import Game, GameResult
from chalicelib.domain.layouts import Indexing, Layout, Layouts, Listing
from chalicelib.domain.players import Identity, IdentityKind, Player, PlayerState
from chalicelib.domain.records import Outcome, Placement, Reason, Score, Submission
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.games import GameStore
from chalicelib.store.players import PlayerStore, Session
from chalicelib.store.uploads import UploadStore
from tests.fake_dynamodb import FakeDynamoDB, Once, conflict_on
from tests.strategies import boards, instants, int64, player_ids
from tests.tables import PREFIX, tables
from tests.world import EPOCH, Inline

DEFINITIONS = list(tables())
EXAMPLES = 100
SLICED = Layout(8, 4, 2, 2, Listing.B, 8)
LAYOUTS = Layouts(Layout(4, 2, 7), (("20261122T0000Z", SLICED),), (("all", Indexing(Layout(), (SLICED,))),))

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
limits = st.builds(Limits, *[st.none() | int64] * 3)
scores = st.builds(Score, int64, int64, instants)
placements = st.builds(
    Placement,
    texts,
    texts,
    st.sampled_from(Outcome),
    st.none() | st.sampled_from(Reason),
    st.none() | scores,
    st.none() | scores,
    *[st.none() | st.integers(1, 2**53)] * 3,
    st.none() | st.floats(0, 100),
)
results = st.builds(GameResult, instants, st.lists(placements, max_size=3).map(tuple))
submissions = st.lists(st.builds(Submission, texts, int64, int64), max_size=3).map(tuple)
identities = st.builds(Identity, st.sampled_from(IdentityKind), st.from_regex(r"\A[0-9a-f]{64}\Z"))
uploads = st.builds(
    Upload,
    player_id=player_ids,
    upload_id=player_ids,
    media_type=st.sampled_from(MediaType),
    crop=st.sampled_from(Crop),
    asked_at=instants,
    state=st.sampled_from(UploadState),
    refused=st.none() | st.builds(Refused, st.sampled_from(Refusal), texts),
)
players = st.builds(
    Player,
    player_id=player_ids,
    display_name=texts,
    locale=texts,
    metadata=st.dictionaries(texts, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3),
    avatar=st.none() | texts,
    state=st.sampled_from(PlayerState),
    created_at=instants,
    revision=st.integers(1, 2**53),
    identities=st.lists(identities, min_size=1, max_size=2, unique=True).map(tuple),
)


def dynamo() -> Dynamo:
    return Dynamo(FakeDynamoDB(DEFINITIONS), Inline(), lambda _: None)


def player_store(client: Dynamo | None = None) -> PlayerStore:
    return PlayerStore(f"{PREFIX}players", client or dynamo())


def game_store() -> tuple[GameStore, Dynamo]:
    client = dynamo()
    return GameStore(f"{PREFIX}games", client), client


PLAYER = Player(
    player_id="1" * 32,
    display_name="Ada",
    metadata={},
    created_at=EPOCH,
    identities=(Identity(IdentityKind.DEVICE, "d"),),
)
SESSION = Session(PLAYER.player_id, "2" * 32, "digest", EPOCH, EPOCH + timedelta(days=1))
GAME = Game(PLAYER.player_id, "3" * 32, "classic", 2**53 - 1, EPOCH, EPOCH + timedelta(hours=1))


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(
    board=boards,
    limits=limits,
    reset=st.none() | st.just("0 0 * * *"),
    days=st.none() | st.integers(1, 3650),
    sealed=st.booleans(),
)
def test_boards_read_back(board: Board, limits: Limits, reset: str | None, days: int | None, sealed: bool) -> None:
    store = BoardStore(f"{PREFIX}boards", dynamo())
    board = replace(board, limits=limits, reset=reset, retention_days=days, sealed=sealed, layouts=LAYOUTS)

    assert store.create(board)
    assert store.get("race") == board
    assert store.all() == [board]
    assert not store.create(board)


def test_a_board_is_replaced_once_per_revision() -> None:
    store = BoardStore(f"{PREFIX}boards", dynamo())
    before = Board(board_id="race", title="Race", created_at=EPOCH)
    store.create(before)

    stored = store.replace(before, replace(before, title="New"))

    assert stored == replace(before, title="New", revision=2)
    assert store.replace(before, replace(before, title="Late")) is None
    assert store.get("race") == stored


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(player=players)
def test_players_read_back(player: Player) -> None:
    store = player_store()

    assert store.register(player)
    assert store.get(player.player_id) == player
    assert store.get_many([player.player_id, "0" * 32, player.player_id]) == {player.player_id: player}
    assert [store.by_identity(each) for each in player.identities] == [player.player_id] * len(player.identities)


def test_a_player_with_one_identity_taken_is_not_stored_at_all() -> None:
    store = player_store()
    store.register(PLAYER)
    other = replace(PLAYER, player_id="4" * 32, identities=(Identity(IdentityKind.CUSTOM, "c"), *PLAYER.identities))

    assert not store.register(other)
    assert store.get(other.player_id) is None
    assert store.by_identity(other.identities[0]) is None


def test_a_profile_is_replaced_once_per_revision() -> None:
    store = player_store()
    store.register(PLAYER)

    stored = store.replace(PLAYER, replace(PLAYER, display_name="Eve"))

    assert stored == replace(PLAYER, display_name="Eve", revision=2)
    assert store.replace(PLAYER, replace(PLAYER, display_name="Late")) is None
    assert store.get(PLAYER.player_id) == stored


def test_a_profile_busy_in_a_transaction_is_not_replaced_and_no_error() -> None:
    client = dynamo()
    store = player_store(client)
    store.register(PLAYER)
    client.client.before.append(Once(lambda call: call.operation == "PutItem", conflict_on("profile")))

    assert store.replace(PLAYER, PLAYER) is None
    assert store.replace(PLAYER, PLAYER) is not None


def test_sessions_read_back_rotate_and_close() -> None:
    store = player_store()
    store.register(PLAYER)
    later = EPOCH + timedelta(days=9)

    assert store.open_session(SESSION)
    assert store.session(PLAYER.player_id, SESSION.session_id) == SESSION
    assert store.rotate(SESSION, "next", later)
    assert not store.rotate(SESSION, "late", later)
    assert store.sessions(PLAYER.player_id) == [Session(PLAYER.player_id, SESSION.session_id, "next", EPOCH, later)]
    store.close_session(PLAYER.player_id, SESSION.session_id)
    assert store.sessions(PLAYER.player_id) == []
    assert store.session(PLAYER.player_id, SESSION.session_id) is None


def test_nobody_who_is_gone_or_leaving_opens_a_session() -> None:
    store = player_store()
    assert not store.open_session(SESSION)
    store.register(replace(PLAYER, state=PlayerState.LEAVING))

    assert not store.open_session(SESSION)
    assert store.sessions(PLAYER.player_id) == []


def test_a_session_that_is_closed_does_not_rotate() -> None:
    assert not player_store().rotate(SESSION, "next", EPOCH)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listed=submissions, result=results)
def test_games_and_their_answers_read_back(listed: tuple[Submission, ...], result: GameResult) -> None:
    store, client = game_store()
    client.transact([store.open_part("game", GAME)])
    assert store.of_player(GAME.player_id) == [GAME]

    client.transact([store.close_part("game", GAME.player_id, GAME.game_id, listed, result)])

    assert store.of_player(GAME.player_id) == [replace(GAME, submissions=listed, result=result)]
    assert store.newest_open(GAME.player_id, EPOCH) is None


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listed=submissions, result=results)
def test_receipts_read_back_and_are_no_games(listed: tuple[Submission, ...], result: GameResult) -> None:
    store, client = game_store()
    client.transact([store.receipt_part("receipt", GAME.player_id, "x", listed, result)])

    receipt = store.parsed_receipt(client.client.items(store.table)[0])

    assert (receipt.submissions, receipt.result) == (listed, result)
    assert store.of_player(GAME.player_id) == []
    store.delete_all(GAME.player_id)
    assert client.client.items(store.table) == []


def test_the_open_game_is_the_one_started_last() -> None:
    store, client = game_store()
    games = [replace(GAME, game_id=f"{number:032x}") for number in range(3)]
    client.transact([store.open_part("game", game) for game in games])
    result = GameResult(EPOCH, ())
    client.transact([store.close_part("game", GAME.player_id, games[2].game_id, (), result)])

    assert store.newest_open(GAME.player_id, EPOCH) == games[1]
    assert store.newest_open(GAME.player_id, GAME.expires_at) is None
    assert store.newest_open("0" * 32, EPOCH) is None


def test_ledgers_are_forgotten_a_week_after_they_matter() -> None:
    store, _ = game_store()
    week = int(timedelta(days=7).total_seconds())

    game = store.open_part("game", GAME).request["Item"]
    receipt = store.receipt_part("receipt", "p", "x", (), GameResult(EPOCH, ())).request["Item"]

    assert int(game["expires_at"]["N"]) == int(GAME.expires_at.timestamp()) + week
    assert int(receipt["expires_at"]["N"]) == int(EPOCH.timestamp()) + week


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(upload=uploads)
def test_uploads_read_back(upload: Upload) -> None:
    client = dynamo()
    store = UploadStore(f"{PREFIX}players", client)

    client.transact([store.put_part("upload", upload)])

    assert store.get(upload.player_id) == upload


def test_an_upload_that_is_deleted_is_gone() -> None:
    client = dynamo()
    store = UploadStore(f"{PREFIX}players", client)
    client.transact([store.put_part("upload", Upload("1" * 32, "2" * 32, MediaType.PNG, Crop.CENTRE, EPOCH))])

    store.delete("1" * 32)

    assert store.get("1" * 32) is None
