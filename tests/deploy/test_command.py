"""``make deploy``, ``make diff`` and ``make destroy`` as far as they can be wrong before anything is begun."""

import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ProfileNotFound

from deploy import __main__ as command
from deploy import stages
from deploy.errors import DeployError, explained
from tests.conftest import DUMMY_AWS
from tests.deploy.aws import target
from tests.repository import ROOT

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ENVIRON = {**DUMMY_AWS, "STAGE": "dev"}


def never(question: str) -> str:
    raise AssertionError(f"asked {question!r}")


def refused(arguments: list[str], environ: dict[str, str], ask: Any = never) -> str:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments, environ, ask)
    return str(ended.value.code)


@pytest.mark.parametrize("arguments", [[], ["deploi"], ["deploy", "dev"]])
def test_a_command_that_is_none_is_answered_with_those_there_are(arguments: list[str]) -> None:
    assert "deploy|diff|destroy" in refused(arguments, ENVIRON)


@pytest.mark.parametrize("name", ["deploy", "diff", "destroy"])
@pytest.mark.parametrize("stage", ["", "production"])
def test_a_stage_that_is_none_is_answered_with_those_there_are(name: str, stage: str) -> None:
    assert "has dev, local, prod. Name one: STAGE=dev" in refused([name], {**ENVIRON, "STAGE": stage})


def test_the_local_stage_is_make_runs() -> None:
    assert "make run" in refused(["deploy"], {**ENVIRON, "STAGE": "local"})


@pytest.mark.parametrize(
    ("left_out", "complaint"),
    [
        (("AWS_DEFAULT_REGION",), "No AWS region is set. Name the one to deploy to, as AWS_REGION="),
        (KEYS, "There are no AWS credentials. Name them in the environment (AWS_PROFILE, or"),
        (KEYS[1:], "The AWS credentials are not complete."),
    ],
)
def test_settings_that_are_missing_are_named(left_out: tuple[str, ...], complaint: str) -> None:
    environ = {name: value for name, value in ENVIRON.items() if name not in left_out}
    done = subprocess.run(
        [sys.executable, "-m", "deploy", "diff"], cwd=ROOT, env=environ, check=False, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr.startswith(complaint)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("AccessDenied", r"AWS does not permit CreateRole: no. Give whoever deploys the permission"),
        ("ExpiredToken", "The AWS credentials have expired: no."),
        ("InvalidClientTokenId", "AWS does not know these credentials: no."),
        ("LimitExceededException", "CreateRole failed: LimitExceededException: no."),
    ],
)
def test_what_aws_refuses_says_what_would_be_right(code: str, complaint: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no."}}, "CreateRole")

    assert explained(error).startswith(complaint)


def test_an_aws_that_is_not_there_and_a_profile_that_is_none_are_explained() -> None:
    assert explained(EndpointConnectionError(endpoint_url="x")).startswith("AWS cannot be reached.")
    assert explained(ProfileNotFound(profile="x")).startswith("AWS_PROFILE must name a profile")


class Stubborn:
    """Who is asked, and answers as told."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        if not self._answers:
            raise EOFError
        return self._answers.pop(0)


def confirm(said: str | None, ask: Stubborn) -> None:
    command.confirm(said, ask, "YES", "dev")


def test_a_name_said_is_a_name_heard() -> None:
    confirm("dev", Stubborn())
    confirm(None, Stubborn("dev"))
    confirm(None, Stubborn(" dev \n"))


@pytest.mark.parametrize(("said", "answers"), [("prod", ["dev"]), ("", ["dev"]), (None, ["y"]), (None, [])])
def test_anything_else_is_no(said: str | None, answers: list[str]) -> None:
    with pytest.raises(DeployError, match=r"Nothing was deleted\. .* YES='dev'"):
        confirm(said, Stubborn(*answers))


def test_data_can_be_deleted_and_nothing_else_be_done_to_it(aws: None) -> None:
    with pytest.raises(DeployError, match="DATA can be delete, or is left out"):
        command.destroy(target(), stages.read("dev"), {"DATA": "yes"}, never)
