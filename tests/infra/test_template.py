"""The template that production and the local run share."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.layout import TEMPLATE
from tests.tables import tables

STAGES = ("local", "dev", "prod")


@pytest.mark.slow
def test_cfn_lint_finds_nothing() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE], check=False, capture_output=True, text=True
    )

    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


@pytest.mark.parametrize("stage", STAGES)
def test_every_table_is_named_after_its_stage_and_paid_by_use(stage: str) -> None:
    described = list(tables(stage))

    names = {table["TableName"] for table in described}
    assert names == {f"laurel-{stage}-{noun}" for noun in ("boards", "players", "games", "records", "ranks")}
    assert {table["BillingMode"] for table in described} == {"PAY_PER_REQUEST"}


@pytest.mark.parametrize("stage", STAGES)
def test_production_alone_is_protected_and_recoverable(stage: str) -> None:
    for table in tables(stage):
        assert table["DeletionProtectionEnabled"] is (stage == "prod")
        recovery = table["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is (stage == "prod")
