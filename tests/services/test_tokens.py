import base64
import json
from datetime import timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config import SigningKey
from chalicelib.errors import CursorError, TokenError, TokenExpiredError
from chalicelib.services.tokens import (
    ACCESS_LIFETIME,
    Tokens,
    digest,
    new_refresh_token,
    parsed_refresh_token,
    same,
)
from tests.world import EPOCH, HandClock

OLD, NEW = SigningKey("old", "o" * 32), SigningKey("new", "n" * 32)
PLAYER, SESSION = "1" * 32, "2" * 32


def tokens(*keys: SigningKey, clock: HandClock | None = None) -> Tokens:
    return Tokens(keys or (NEW,), clock or HandClock())


def part(value: object) -> str:
    return raw(json.dumps(value).encode())


def raw(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def test_an_access_token_proves_who_and_until_when() -> None:
    token, expires_at = tokens().access(PLAYER, SESSION)

    claims = tokens().verified(token)

    assert (claims.player_id, claims.session_id, claims.expires_at) == (PLAYER, SESSION, expires_at)
    assert expires_at == EPOCH + ACCESS_LIFETIME


def test_an_access_token_is_good_until_the_instant_it_expires() -> None:
    clock = HandClock(EPOCH + timedelta(milliseconds=999))
    token, expires_at = tokens(clock=clock).access(PLAYER, SESSION)

    clock.instant = expires_at - timedelta(microseconds=1)
    assert tokens(clock=clock).verified(token).expires_at == expires_at
    clock.instant = expires_at
    with pytest.raises(TokenExpiredError):
        tokens(clock=clock).verified(token)


def test_after_a_rotation_both_keys_are_accepted_and_the_new_one_signs() -> None:
    before, _ = tokens(OLD).access(PLAYER, SESSION)
    rotated = tokens(NEW, OLD)

    assert rotated.verified(before).player_id == PLAYER
    assert jwt.get_unverified_header(rotated.access(PLAYER, SESSION)[0])["kid"] == "new"


def test_a_dropped_key_is_accepted_no_more() -> None:
    token, _ = tokens(OLD).access(PLAYER, SESSION)

    with pytest.raises(TokenError):
        tokens(NEW).verified(token)


def test_a_key_of_the_same_name_with_another_secret_proves_nothing() -> None:
    token, _ = tokens(SigningKey("new", "z" * 32)).access(PLAYER, SESSION)

    with pytest.raises(TokenError):
        tokens(NEW).verified(token)


@pytest.mark.property
@given(position=st.integers(0, 400), character=st.sampled_from("ABCDabcd0189-_"))
def test_a_token_changed_anywhere_proves_nothing(position: int, character: str) -> None:
    token, _ = tokens().access(PLAYER, SESSION)
    position %= len(token)
    tampered = token[:position] + character + token[position + 1 :]
    signature_is_same = tampered[:-1] == token[:-1] and _decoded(tampered) == _decoded(token)

    if tampered == token or signature_is_same:
        assert tokens().verified(tampered).player_id == PLAYER
    else:
        with pytest.raises(TokenError):
            tokens().verified(tampered)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256"])
def test_the_token_does_not_choose_the_algorithm(algorithm: str) -> None:
    claims = {"sub": PLAYER, "sid": SESSION, "exp": 2**40, "aud": "player"}
    header = {"alg": algorithm, "typ": "JWT", "kid": "new"}
    unsigned = f"{part(header)}.{part(claims)}."
    signed = jwt.encode(claims, NEW.secret.ljust(64, "n"), "HS512", {"kid": "new"})

    for token in (unsigned, signed):
        with pytest.raises(TokenError):
            tokens().verified(token)


def test_a_cursor_is_no_access_token_and_the_reverse() -> None:
    with pytest.raises(TokenError):
        tokens().verified(tokens().cursor({"sub": PLAYER, "sid": SESSION, "exp": "99999999999"}))
    with pytest.raises(CursorError):
        tokens().read_cursor(tokens().access(PLAYER, SESSION)[0])


def test_a_cursor_reads_back_as_it_was_written() -> None:
    values = {"b": "race", "p": "all", "d": "after", "k": "00é"}

    assert values.items() <= tokens().read_cursor(tokens().cursor(values)).items()


def test_a_listing_goes_on_after_the_last_one_shown() -> None:
    listing = {"of": "inbox", "player": PLAYER}

    assert tokens().last_shown(listing, None) == ""
    assert tokens().last_shown(listing, tokens().next_page(listing, "7")) == "7"


@pytest.mark.parametrize(
    "other",
    [{"of": "unread", "player": PLAYER}, {"of": "inbox", "player": "somebody else"}, {"of": "inbox"}, {"p": "all"}],
)
def test_a_listing_takes_no_cursor_of_another(other: dict[str, str]) -> None:
    with pytest.raises(CursorError, match="another listing"):
        tokens().last_shown({"of": "inbox", "player": PLAYER}, tokens().next_page(other, "7"))


@pytest.mark.property
@given(text=st.text(max_size=60))
def test_texts_that_are_no_tokens_are_refused(text: str) -> None:
    with pytest.raises(TokenError):
        tokens().verified(text)
    with pytest.raises(CursorError):
        tokens().read_cursor(text)
    with pytest.raises(TokenError):
        parsed_refresh_token(text)


@pytest.mark.parametrize(
    "token",
    [
        "\ud800.e30.e30",
        f"{part('[' * 10)}.e30.e30",
        raw(b"[" * 9000) + ".e30.e30",
        raw(b'{"a":' * 9000) + ".e30.e30",
        f"{part([])}.e30.e30",
        f"{part({'alg': 'HS256'})}.e30.e30",
        f"{part({'alg': 'HS256', 'kid': ['new']})}.e30.e30",
        f"{part({'alg': 'HS256', 'kid': 'new', 'crit': ['x']})}.e30.e30",
    ],
)
def test_hostile_headers_are_refused(token: str) -> None:
    with pytest.raises(TokenError):
        tokens().verified(token)


def test_a_refresh_token_names_its_session_and_is_kept_as_a_digest() -> None:
    token = new_refresh_token(PLAYER, SESSION)

    parsed = parsed_refresh_token(token.text)

    assert parsed == token
    assert parsed.digest == digest(token.text) != token.text
    assert new_refresh_token(PLAYER, SESSION).text != token.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        f"{PLAYER}.{SESSION}",
        f"{PLAYER}.{SESSION}.",
        f"{PLAYER}#.{SESSION}.{'x' * 43}",
        f"{PLAYER}.{SESSION}.{'x' * 44}",
        f"{PLAYER}.{SESSION}.{'x' * 43}\n",
        f"{PLAYER}.{SESSION}.{'x' * 42}\ud800",
    ],
)
def test_what_is_not_shaped_like_a_refresh_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        parsed_refresh_token(text)


def test_digests_of_any_text_compare() -> None:
    assert same(digest("\ud800"), digest("\ud800"))
    assert not same(digest("a"), digest("b"))


def _decoded(token: str) -> bytes:
    signature = token.rpartition(".")[2]
    return base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
