from typing import Any

import pytest

from deploy.client import code_digest, differing

DEPLOYED = {
    "MemorySize": 1024,
    "Timeout": 29,
    "Runtime": "python3.12",
    "Environment": {"Variables": {"LAUREL_STAGE": "dev"}},
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": ["b", "a"], "SecurityGroupIds": ["g"], "VpcId": "vpc-1"},
    "Layers": [{"Arn": "layer:1", "CodeSize": 9}],
}
WANTED: dict[str, Any] = {
    "MemorySize": 1024,
    "Timeout": 29,
    "Environment": {"Variables": {"LAUREL_STAGE": "dev"}},
    "VpcConfig": {"SubnetIds": ["a", "b"], "SecurityGroupIds": ["g"]},
    "Layers": ["layer:1"],
}


def test_a_function_that_is_as_wanted_differs_in_nothing() -> None:
    assert differing(DEPLOYED, WANTED) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MemorySize", 512),
        ("Runtime", "python3.13"),
        ("Environment", {"Variables": {"LAUREL_STAGE": "dev", "LAUREL_CALLS": "lean"}}),
        ("TracingConfig", {"Mode": "Active"}),
        ("VpcConfig", {"SubnetIds": [], "SecurityGroupIds": []}),
        ("Layers", []),
    ],
)
def test_what_differs_is_what_is_sent(name: str, value: object) -> None:
    assert differing(DEPLOYED, {**WANTED, name: value}) == {name: value}


def test_tracing_that_is_no_longer_asked_for_is_switched_off() -> None:
    traced = {**DEPLOYED, "TracingConfig": {"Mode": "Active"}}

    assert differing(traced, WANTED) == {"TracingConfig": {"Mode": "PassThrough"}}


def test_a_function_without_anything_optional_differs_in_nothing_optional() -> None:
    bare = {"MemorySize": 1024}

    assert (
        differing(bare, {"MemorySize": 1024, "Layers": [], "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}})
        == {}
    )


def test_a_packages_digest_is_as_lambda_tells_it() -> None:
    assert code_digest(b"") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
