"""A stage's network reaches chalice as its settings."""

from typing import Any

import pytest

from deploy.errors import DeployError
from deploy.network import chalice_settings
from tests.templates import STAGES

OUTPUTS = {"FunctionsGroupId": "sg-ours"}


@pytest.mark.parametrize("stage", STAGES)
def test_functions_are_in_no_vpc_unless_their_stage_says_so(stage: str) -> None:
    assert chalice_settings(STAGES[stage]["functions"], OUTPUTS) == {}


def test_functions_in_a_vpc_get_the_group_that_the_template_makes() -> None:
    functions: dict[str, Any] = {"vpc": {"subnet_ids": ["subnet-1"], "security_group_ids": []}}

    assert chalice_settings(functions, OUTPUTS) == {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-ours"]}


def test_functions_in_a_vpc_get_the_groups_that_are_named() -> None:
    functions = {"vpc": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-yours"]}}

    assert chalice_settings(functions, {})["security_group_ids"] == ["sg-yours"]


def test_subnets_without_any_group_are_refused() -> None:
    with pytest.raises(DeployError, match="security_group_ids nor the parameter VpcId"):
        chalice_settings({"vpc": {"subnet_ids": ["subnet-1"]}}, {})


def test_tracing_is_chalice_s_x_ray() -> None:
    assert chalice_settings({"tracing": True}, {}) == {"xray": True}
