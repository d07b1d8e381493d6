from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.players import IdentityKind
from chalicelib.domain.records import Submission
from chalicelib.errors import (
    ContendedError,
    IdentityTakenError,
    IdentityUnknownError,
    PlayerNotFoundError,
    StoreUnavailableError,
    TokenError,
    TokenExpiredError,
    TokenReusedError,
)
from chalicelib.services.tokens import REFRESH_LIFETIME
from tests import invariants
from tests.fake_dynamodb import Call, Once, conflict_on, throttle, time_out
from tests.world import World

DEVICE = "device-Ada"


@pytest.fixture
def world() -> World:
    world = World()
    world.board()
    return world


def sign_in(world: World) -> str:
    """Return the refresh token of a new session of Ada's device."""
    return world.services.players.sign_in(IdentityKind.DEVICE, DEVICE).tokens.refresh_token


def rename(world: World, player_id: str, name: str) -> None:
    world.services.players.change(player_id, display_name=name, locale=None, metadata=None)


def forged(token: str) -> str:
    return token[:-1] + ("x" if token[-1] != "x" else "y")


def is_write(call: Call) -> bool:
    return bool(call.writes) or call.operation == "BatchWriteItem"


def test_registering_signs_in(world: World) -> None:
    signed_in = world.services.players.register(IdentityKind.CUSTOM, "ada@example", "Ada", "pt-BR")

    claims = world.services.tokens.verified(signed_in.tokens.access_token)
    assert claims.player_id == signed_in.player.player_id
    assert signed_in.created
    assert (signed_in.player.display_name, signed_in.player.locale) == ("Ada", "pt-BR")
    assert world.services.players.own(claims.player_id) == signed_in.player
    assert world.services.players.refresh(signed_in.tokens.refresh_token).access_token


def test_who_chooses_no_name_gets_one(world: World) -> None:
    player = world.services.players.register(IdentityKind.DEVICE, DEVICE, None, "en").player

    assert player.display_name == f"Player {player.player_id[:6].upper()}"


def test_an_identity_registers_once(world: World) -> None:
    player_id = world.player()

    with pytest.raises(IdentityTakenError):
        world.services.players.register(IdentityKind.DEVICE, DEVICE, "Eve", "en")
    assert world.services.players.sign_in(IdentityKind.DEVICE, DEVICE).player.player_id == player_id


def test_the_same_text_as_device_and_custom_id_is_two_identities(world: World) -> None:
    world.player()

    other = world.services.players.register(IdentityKind.CUSTOM, DEVICE, "Eve", "en")

    assert world.services.players.sign_in(IdentityKind.CUSTOM, DEVICE).player == other.player


def test_who_never_registered_is_unknown(world: World) -> None:
    with pytest.raises(IdentityUnknownError):
        world.services.players.sign_in(IdentityKind.DEVICE, "device-nobody")


def test_identities_and_refresh_tokens_are_kept_as_digests_only(world: World) -> None:
    world.player()
    token = sign_in(world)

    stored = repr(world.items("players"))

    assert DEVICE not in stored
    assert token.rpartition(".")[2] not in stored


def test_registering_the_same_identity_at_once_makes_one_player(world: World) -> None:
    world.before(Once(is_write, lambda _: _register_elsewhere(world)))

    with pytest.raises(IdentityTakenError):
        world.player()
    assert world.services.players.sign_in(IdentityKind.DEVICE, DEVICE).player.display_name == "First"


def test_a_busy_identity_may_be_tried_again(world: World) -> None:
    world.before(Once(is_write, conflict_on("identity#")))

    with pytest.raises(ContendedError):
        world.player()
    assert world.player()


def test_a_refresh_token_works_once_and_closes_its_session_the_second_time(world: World) -> None:
    world.player()
    first = sign_in(world)
    second = world.services.players.refresh(first).refresh_token

    with pytest.raises(TokenReusedError):
        world.services.players.refresh(first)

    with pytest.raises(TokenError, match="closed"):
        world.services.players.refresh(second)


def test_closing_one_session_leaves_the_others(world: World) -> None:
    world.player()
    one, other = sign_in(world), sign_in(world)
    world.services.players.sign_out(one)

    world.services.players.refresh(other)
    with pytest.raises(TokenError):
        world.services.players.refresh(one)


def test_of_two_refreshes_at_once_one_is_taken_for_a_copy(world: World) -> None:
    world.player()
    token = sign_in(world)
    successors: list[str] = []

    def refresh_elsewhere(call: Call) -> None:
        del call
        successors.append(world.another_process().players.refresh(token).refresh_token)

    world.before(Once(lambda call: call.operation == "UpdateItem", refresh_elsewhere))

    with pytest.raises(TokenReusedError):
        world.services.players.refresh(token)
    with pytest.raises(TokenError):
        world.services.players.refresh(successors[0])


def test_a_second_try_of_our_own_client_is_no_copy(world: World) -> None:
    """Botocore sends a request again when its reply is lost; DynamoDB then sees a condition that no longer holds."""
    world.player()
    token = sign_in(world)
    update = Once(lambda call: call.operation == "UpdateItem", lambda call: _send(world, call))
    world.before(update)

    successor = world.services.players.refresh(token).refresh_token

    assert update.done
    world.services.players.refresh(successor)


def test_a_session_ends_with_its_refresh_token(world: World) -> None:
    world.player()
    token = sign_in(world)
    world.clock.instant += REFRESH_LIFETIME - timedelta(seconds=1)
    successor = world.services.players.refresh(token).refresh_token
    world.clock.instant += REFRESH_LIFETIME

    with pytest.raises(TokenExpiredError):
        world.services.players.refresh(successor)


def test_a_forged_refresh_token_closes_the_session_it_names(world: World) -> None:
    world.player()
    token = sign_in(world)

    with pytest.raises(TokenReusedError):
        world.services.players.refresh(forged(token))
    with pytest.raises(TokenError):
        world.services.players.refresh(token)


def test_a_forged_refresh_token_signs_nobody_out(world: World) -> None:
    world.player()
    token = sign_in(world)

    world.services.players.sign_out(forged(token))

    world.services.players.refresh(token)


def test_signing_out_twice_is_no_error(world: World) -> None:
    world.player()
    token = sign_in(world)

    world.services.players.sign_out(token)
    world.services.players.sign_out(token)

    with pytest.raises(TokenError):
        world.services.players.refresh(token)


def test_a_profile_changes_in_parts(world: World) -> None:
    player_id = world.player()
    before = world.services.players.own(player_id)

    world.services.players.change(player_id, display_name=None, locale="pt", metadata={"team": "red"})
    after = world.services.players.change(player_id, display_name="Eve", locale=None, metadata=None)

    assert after == replace(before, display_name="Eve", locale="pt", metadata={"team": "red"}, revision=3)
    assert world.services.players.own(player_id) == world.services.players.public(player_id) == after


def test_a_new_name_shows_on_all_boards_and_periods_and_moves_nobody(world: World) -> None:
    world.board("daily", reset="0 0 * * *")
    player_id = world.player()
    world.play(player_id, Submission("race", 5), Submission("daily", 5))
    world.clock.advance(days=1)
    world.play(player_id, Submission("race", 4), Submission("daily", 4))

    rename(world, player_id, "Eve")

    boards = [("race", "current"), ("daily", "current"), ("daily", "previous")]
    assert [world.names(*board) for board in boards] == [["Eve"]] * 3
    assert world.ranks() == [(1, "Eve", 5)]
    invariants.check(world)


def test_a_rename_that_was_interrupted_is_finished_by_repeating_it(world: World) -> None:
    world.board("duel")
    player_id = world.player()
    world.play(player_id, Submission("race", 5), Submission("duel", 5))
    world.before(Once(lambda call: call.touches("duel#all") and is_write(call), throttle))

    with pytest.raises(StoreUnavailableError):
        rename(world, player_id, "Eve")
    rename(world, player_id, "Eve")

    assert (world.names("race"), world.names("duel")) == (["Eve"], ["Eve"])


def test_a_rename_waits_for_a_record_that_is_busy(world: World) -> None:
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.before(Once(lambda call: call.touches("SET display_name"), conflict_on("race#all"), times=2))

    rename(world, player_id, "Eve")

    assert world.names() == ["Eve"]
    assert len(world.pauses) >= 2


def test_a_record_that_stays_busy_is_reported(world: World) -> None:
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.before(Once(lambda call: call.touches("SET display_name"), conflict_on("race#all"), times=99))

    with pytest.raises(ContendedError):
        rename(world, player_id, "Eve")


def test_a_profile_that_keeps_changing_is_reported(world: World) -> None:
    player_id = world.player()
    world.before(Once(lambda call: call.operation == "PutItem", conflict_on("profile"), times=99))

    with pytest.raises(ContendedError):
        rename(world, player_id, "Eve")


def test_everything_of_a_player_goes_with_the_account(world: World) -> None:
    world.board("daily", reset="0 0 * * *")
    player_id = world.player()
    world.play(player_id, Submission("race", 5), Submission("daily", 5))
    world.services.games.submit(player_id, Submission("race", 6), "submission-1")
    world.clock.advance(days=1)
    for _ in range(60):
        world.services.games.start(player_id, "classic")
    token = sign_in(world)

    world.services.players.delete(player_id)

    for noun in ("players", "games", "records"):
        assert world.items(noun) == []
    invariants.check(world)
    assert world.services.standings.total("race", "current")[2] == 0
    with pytest.raises(TokenError):
        world.services.players.own(player_id)
    with pytest.raises(PlayerNotFoundError):
        world.services.players.public(player_id)
    with pytest.raises(TokenError):
        world.services.players.refresh(token)
    world.services.players.delete(player_id)


def test_deleting_one_player_leaves_the_others(world: World) -> None:
    ada, bob = world.player("Ada"), world.player("Bob")
    for player_id in (ada, bob):
        world.play(player_id, Submission("race", 5))

    world.services.players.delete(ada)

    assert world.names() == ["Bob"]
    assert world.services.players.export(bob).games
    assert world.services.players.sign_in(IdentityKind.DEVICE, "device-Bob").player.player_id == bob


@pytest.mark.parametrize("lost", [False, True])
def test_a_deletion_stopped_at_any_write_goes_on_when_it_is_repeated(lost: bool) -> None:
    for number in range(20):
        world, player_id, stop = _stopped_deletion(number, lost=lost)
        world.services.players.delete(player_id)

        assert world.items("players") == world.items("games") == world.items("records") == []
        invariants.check(world)
        if not stop.done:
            assert number > 5
            return
    pytest.fail("the deletion never came to an end")


@pytest.mark.parametrize("lost", [False, True])
def test_after_a_deletion_stopped_at_any_write_the_device_starts_anew(lost: bool) -> None:
    for number in range(20):
        world, player_id, stop = _stopped_deletion(number, lost=lost)
        if not stop.done and lost is False:
            return
        successor = _enter(world)
        world.play(successor, Submission("race", 1))
        if successor != player_id:
            world.services.players.delete(player_id)
            assert world.services.players.sign_in(IdentityKind.DEVICE, DEVICE).player.player_id == successor
            assert world.ranks() == [(1, "Ada II", 1)]
        invariants.check(world)
        if not stop.done:
            return
    pytest.fail("the deletion never came to an end")


def test_who_leaves_is_gone_to_everybody_at_once(world: World) -> None:
    player_id = world.player()
    game = world.services.games.start(player_id, "classic")
    world.before(Once(lambda call: call.operation == "BatchWriteItem", throttle))
    with pytest.raises(StoreUnavailableError):
        world.services.players.delete(player_id)

    with pytest.raises(TokenError):
        world.services.players.own(player_id)
    with pytest.raises(PlayerNotFoundError):
        world.services.players.public(player_id)
    with pytest.raises(TokenError):
        world.services.games.start(player_id, "classic")
    with pytest.raises(PlayerNotFoundError):
        world.services.games.end(player_id, game.game_id, [Submission("race", 5)])
    with pytest.raises(TokenError):
        rename(world, player_id, "Eve")


def test_an_export_holds_what_is_kept(world: World) -> None:
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.services.games.submit(player_id, Submission("race", 6), "match-1")
    token = sign_in(world)
    session_id = token.split(".")[1]

    export = world.services.players.export(player_id)

    assert export.player == world.services.players.own(player_id)
    assert session_id in {session.session_id for session in export.sessions}
    assert [game.submissions for game in export.games] == [(Submission("race", 5),)]
    assert [(key, each.submissions) for key, each in export.receipt_by_submission.items()] == [
        ("match-1", (Submission("race", 6),))
    ]
    assert [(record.board_id, record.score) for record in export.records] == [("race", 6)]


def _register_elsewhere(world: World) -> None:
    world.another_process().players.register(IdentityKind.DEVICE, DEVICE, "First", "en")


def _send(world: World, call: Call) -> None:
    world.client._make_api_call(call.operation, call.request)  # noqa: SLF001  # as botocore sends it again


def _stopped_deletion(number: int, *, lost: bool) -> tuple[World, str, Once]:
    """Return a world in which Ada's deletion stopped at the nth of its writes, if it has as many."""
    world = World()
    world.board()
    world.board("duel")
    player_id = world.player()
    world.play(player_id, Submission("race", 5), Submission("duel", 5))
    skipped = Once(is_write, lambda _: None, times=number)
    stop = Once(lambda call: is_write(call) and skipped.done, time_out if lost else throttle)
    (world.after if lost else world.before)(stop)
    (world.after if lost else world.before)(skipped)
    try:
        world.services.players.delete(player_id)
    except StoreUnavailableError:
        assert stop.done
    world.undisturbed()
    return world, player_id, stop


def _enter(world: World) -> str:
    """Return the player a client ends up with: signed in, or registered when nobody is known."""
    try:
        return world.services.players.sign_in(IdentityKind.DEVICE, DEVICE).player.player_id
    except IdentityUnknownError:
        return world.services.players.register(IdentityKind.DEVICE, DEVICE, "Ada II", "en").player.player_id
