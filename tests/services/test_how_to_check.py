"""The check that docs/how-to/check-avatars.md shows, run as it stands there against botocore's own Rekognition."""

import json
import re
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from chalicelib.domain.avatars import Refusal, Refused
from chalicelib.services.checks import Candidate
from chalicelib.store.clients import ClientFailedError, Clients
from tests.permissions.evaluation import Policy, Request
from tests.permissions.policies import DIRECTORY
from tests.repository import ROOT

PAGE = (ROOT / "docs" / "how-to" / "check-avatars.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^ *```(?P<language>\w+)\n(?P<code>.*?)^ *```", re.MULTILINE | re.DOTALL)
CANDIDATE = Candidate("0" * 32, "1" * 32, b"\xff\xd8 a picture")
ASKED = {"Image": {"Bytes": CANDIDATE.jpeg}, "MinConfidence": 80.0}


def shown(language: str) -> list[str]:
    found = [match["code"] for match in BLOCK.finditer(PAGE) if match["language"] == language]
    return [re.sub(r"^   ", "", code, flags=re.MULTILINE) for code in found]


@pytest.fixture(scope="module")
def studio() -> ModuleType:
    """The studio's module, made of the page's text."""
    [code] = shown("python")
    module = ModuleType("studio")
    exec(compile(code, "docs/how-to/check-avatars.md", "exec"), vars(module))  # noqa: S102  # the page's own example
    return module


@pytest.fixture(scope="module")
def rekognition(session: botocore.session.Session) -> Any:
    return session.create_client("rekognition")


def asked(studio: ModuleType, rekognition: Any) -> Refused | None:
    """Return what the check says, with a client that was made already."""
    clients = Clients(_made={"rekognition": rekognition})
    return studio.check(CANDIDATE, clients)  # type: ignore[no-any-return]  # what a module made here holds is Any


@pytest.mark.parametrize(
    ("labels", "refused"),
    [
        ([], False),
        ([("Alcohol", "")], False),
        ([("Explicit", "")], True),
        ([("Middle Finger", "Rude Gestures"), ("Alcohol", "")], True),
    ],
)
def test_the_example_refuses_what_rekognition_labels_so(
    studio: ModuleType, rekognition: Any, labels: list[tuple[str, str]], refused: bool
) -> None:
    found = [{"Name": name, "ParentName": parent, "Confidence": 99.0} for name, parent in labels]
    with Stubber(rekognition) as stubber:
        stubber.add_response("detect_moderation_labels", {"ModerationLabels": found}, ASKED)

        answer = asked(studio, rekognition)

    assert answer == (Refused(Refusal.CHECK, studio.MESSAGE) if refused else None)


def test_the_example_lets_nothing_pass_when_rekognition_fails(studio: ModuleType, rekognition: Any) -> None:
    with Stubber(rekognition) as stubber:
        stubber.add_client_error("detect_moderation_labels", "ThrottlingException")

        with pytest.raises(ClientFailedError, match="ThrottlingException"):
            asked(studio, rekognition)


def test_the_statement_on_the_page_allows_the_call_and_fits_the_policy() -> None:
    policy = json.loads((DIRECTORY / "make_avatar.json").read_text())
    statement = json.loads(shown("json")[0])

    assert statement["Sid"] not in {each["Sid"] for each in policy["Statement"]}
    extended = {**policy, "Statement": [*policy["Statement"], statement]}
    assert Policy.of(extended).used(Request("rekognition:DetectModerationLabels", "*"))
