from typing import Any

import pytest

from chalicelib.services.checks import Candidate, CheckNotFoundError, asked, check_named, publish_everything

CANDIDATE = Candidate("0" * 32, "1" * 32, b"jpeg")


def test_without_a_check_everything_is_published() -> None:
    assert check_named("") is publish_everything
    assert publish_everything(CANDIDATE) is None


def test_a_check_is_found_by_its_name() -> None:
    assert check_named("chalicelib.services.checks:publish_everything") is publish_everything


@pytest.mark.parametrize("answer", [False, True, "rude"])
def test_what_is_no_answer_is_no_leave_to_publish(answer: Any) -> None:
    with pytest.raises(TypeError, match="LAUREL_AVATAR_CHECK answered"):
        asked(lambda _: answer, CANDIDATE)


@pytest.mark.parametrize("name", ["no.such.module:check", "chalicelib.services.checks:nobody", ":x", "math:pi"])
def test_a_check_that_is_not_there_is_no_check_that_passes(name: str) -> None:
    with pytest.raises(CheckNotFoundError, match="LAUREL_AVATAR_CHECK"):
        check_named(name)
