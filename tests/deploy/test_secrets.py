import hashlib

import pytest

from chalicelib import config
from deploy import secrets
from deploy.errors import DeployError
from deploy.target import Target
from tests.deploy.aws import target

pytestmark = pytest.mark.usefixtures("aws")

FIRST, SECOND = "a" * 48, "b" * 48
NAMES = ("laurel-dev/signing-key", "laurel-dev/admin-key")


@pytest.fixture
def dev() -> Target:
    dev = target()
    for name in NAMES:
        dev.client("secretsmanager").create_secret(Name=name, SecretString=FIRST)
    return dev


def put(dev: Target, name: str, secret: str) -> str:
    version = dev.client("secretsmanager").put_secret_value(SecretId=name, SecretString=secret)["VersionId"]
    return str(version)[: secrets.ID_LENGTH]


def test_functions_are_told_the_signing_key_and_a_digest_of_the_admin_key(dev: Target) -> None:
    told = secrets.environment(dev, *NAMES)

    assert told["LAUREL_SIGNING_KEYS"].endswith(f":{FIRST}")
    assert told["LAUREL_ADMIN_KEY_HASHES"] == hashlib.sha256(FIRST.encode()).hexdigest()
    assert config.load(told).signing_keys[0].secret == FIRST


def test_after_a_rotation_the_new_key_signs_and_the_one_before_is_accepted(dev: Target) -> None:
    newest = put(dev, NAMES[0], SECOND)

    keys = config.load(secrets.environment(dev, *NAMES)).signing_keys

    assert [key.secret for key in keys] == [SECOND, FIRST]
    assert keys[0].key_id == newest


def test_the_admin_key_is_the_one_that_is_current(dev: Target) -> None:
    put(dev, NAMES[1], SECOND)

    assert secrets.admin_key(dev) == SECOND


@pytest.mark.parametrize("unusable", ["short", "with,comma" * 9, f" {'padded' * 9}"])
def test_a_secret_that_functions_could_not_read_is_refused(dev: Target, unusable: str) -> None:
    put(dev, NAMES[0], unusable)

    with pytest.raises(
        DeployError, match=r"laurel-dev/signing-key \(AWSCURRENT\) must be text of at least 32"
    ) as refused:
        secrets.environment(dev, *NAMES)
    assert unusable not in str(refused.value)


def test_a_secret_without_a_value_says_how_to_give_it_one() -> None:
    with pytest.raises(DeployError, match="put-secret-value --secret-id laurel-dev/admin-key"):
        secrets.admin_key(target())
