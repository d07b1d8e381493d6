import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.players import MAX_NAME_LENGTH, DisplayNameError, default_name, display_name
from tests.strategies import EXAMPLES

hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "aé \u0301\u200b\u200c\u200d\u202e\u2066\ufe0f\u20e3\ufdfa\u3164\u0000\n\ufeff\ud800\U000e0067"
        ),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "Zoë the Great",
        "李小龍",
        "محمد",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "क्षत्रिय",
        "ไอ้หนุ่ม",
        "x_X-sniper-X_x",
        "¡Olé!",
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "🇩🇪",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "🏳️‍🌈",
        "❤️‍🔥",
        "1\ufe0f\u20e3",
        "√2",
    ],
)
def test_names_of_every_script_and_emoji_are_allowed(name: str) -> None:
    assert display_name(name) == unicodedata.normalize("NFKC", name)


@pytest.mark.parametrize(
    "name",
    [
        "\u202eadmin",
        "a\u2066b\u2069",
        "a\u200bb",
        "\ufeffAda",
        "a\u0000b",
        "a\u001bb",
        "a\u00adb",
        "\ud800",
        "a\udfff",
        "\ue000",
    ],
)
def test_controls_overrides_and_invisible_characters_are_refused(name: str) -> None:
    with pytest.raises(DisplayNameError, match=r"must not contain the character U\+"):
        display_name(name)


@pytest.mark.parametrize("name", ["\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\U0001d159", "a\u034f"])
def test_letters_and_symbols_that_show_nothing_are_refused(name: str) -> None:
    with pytest.raises(DisplayNameError, match=r"must not contain the character U\+"):
        display_name(name)


@pytest.mark.parametrize("name", ["\U000e0067a", "a\U000e007f", "🏴\U000e0067", "🏴a\U000e0067\U000e0062\U000e007f"])
def test_tags_belong_to_flags_only(name: str) -> None:
    with pytest.raises(DisplayNameError, match=r"U\+E00"):
        display_name(name)


@pytest.mark.parametrize("name", ["", " ", "\n\t", "\u00a0\u3000"])
def test_names_are_not_empty(name: str) -> None:
    with pytest.raises(DisplayNameError, match="1 to 32"):
        display_name(name)


@pytest.mark.parametrize("name", ["\u200d", "\u0301", "-", "\u200c\u200d", "..."])
def test_names_hold_a_letter_a_digit_or_a_symbol(name: str) -> None:
    with pytest.raises(DisplayNameError, match="a letter, a digit or a symbol"):
        display_name(name)


@pytest.mark.parametrize(
    "name", ["a" + "\u0316" * 4, "Z\u0316\u0317\u0318\u200d\u0319", "a\u0316\u200c\u0317\u200d\u0318\u0319"]
)
def test_stacks_of_marks_are_refused_though_joiners_lie_between(name: str) -> None:
    with pytest.raises(DisplayNameError, match="combining marks"):
        display_name(name)


def test_three_marks_are_allowed() -> None:
    assert display_name("q\u0316\u0317\u0318") == "q\u0316\u0317\u0318"


@pytest.mark.parametrize("name", ["a" * 33, "\ufdfa\ufdfa", "\u3300" * 9])
def test_length_counts_what_is_stored(name: str) -> None:
    with pytest.raises(DisplayNameError, match="1 to 32"):
        display_name(name)


def test_length_does_not_count_what_is_dropped() -> None:
    assert display_name(" " * 50 + "a" * 32 + "\u3000" * 50) == "a" * 32


def test_names_that_look_the_same_are_stored_the_same() -> None:
    assert display_name("\uff3a\uff4f\uff45\u0308   \u2460") == display_name("Zoë 1") == "Zoë 1"


def test_default_name_is_a_name() -> None:
    assert display_name(default_name("0c3149fb90f239b7")) == "Player 0C3149"


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(text=hostile)
def test_an_allowed_name_is_stable_short_visible_and_valid_unicode(text: str) -> None:
    try:
        name = display_name(text)
    except DisplayNameError:
        return

    assert display_name(name) == name
    assert 1 <= len(name) <= MAX_NAME_LENGTH
    assert name.encode("utf-8").decode("utf-8") == name
    assert not set(name) & set("\u200b\u202e\u2066\u3164\u0000\n\ufeff")
    assert name == name.strip()
    assert "  " not in name
