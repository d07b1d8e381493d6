from pathlib import Path

import pytest

from local import state
from local.state import StateInUseError


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
    saved = state.aws_dir(tmp_path / "state")
    saved.mkdir(parents=True)
    (saved / "secretsmanager.json").touch()

    state.discard(tmp_path / "state")

    assert not list(tmp_path.iterdir())
