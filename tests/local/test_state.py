from pathlib import Path

import pytest

from local import credentials, state
from local.state import StateInUseError


def test_credentials_are_made_once_and_kept(tmp_path: Path) -> None:
    made = credentials.kept_in(tmp_path)

    assert credentials.kept_in(tmp_path) == made
    assert (tmp_path / "credentials.json").stat().st_mode & 0o077 == 0


def test_functions_are_told_a_hash_and_not_the_admin_key(tmp_path: Path) -> None:
    made = credentials.kept_in(tmp_path)
    environment = made.environment()

    assert made.admin_key not in str(environment)
    assert len(environment["LAUREL_ADMIN_KEY_HASHES"]) == 64
    assert len(environment["LAUREL_SIGNING_KEYS"].partition(":")[2]) >= 32


def test_only_data_outlives_a_stop(tmp_path: Path) -> None:
    saved = state.aws_dir(tmp_path)
    (saved / "lambda-blobs").mkdir(parents=True)
    for name in ("dynamodb.json", "lambda.json", "apigateway_v1.json"):
        (saved / name).touch()

    with state.held(tmp_path):
        assert [entry.name for entry in saved.iterdir()] == ["dynamodb.json"]


def test_two_runs_never_share_their_state(tmp_path: Path) -> None:
    with state.held(tmp_path), pytest.raises(StateInUseError, match="Another local run"), state.held(tmp_path):
        pass


def test_beginning_anew_forgets_everything(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    before = credentials.kept_in(directory)

    state.discard(directory)
    directory.mkdir()

    assert credentials.kept_in(directory) != before
