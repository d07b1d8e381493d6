"""The secrets of a stage, as its functions are told them: the signing keys, and the digests of the admin keys.

They are kept by AWS Secrets Manager alone. To rotate one, put a new version and deploy: the version before it is
accepted still, until the next.
"""

import hashlib
from typing import Any

from deploy.errors import DeployError
from deploy.layout import admin_key_name
from deploy.target import Target

MIN_LENGTH = 32
VERSIONS = ("AWSCURRENT", "AWSPREVIOUS")
ID_LENGTH = 8

Version = tuple[str, str]
"""The id of a version of a secret, and the secret."""


def environment(target: Target, signing_key_arn: str, admin_key_arn: str) -> dict[str, str]:
    """Return LAUREL_SIGNING_KEYS and LAUREL_ADMIN_KEY_HASHES: the current version of each, then the previous one.

    Costs two calls for each secret.
    """
    signing = [f"{version[:ID_LENGTH]}:{secret}" for version, secret in versions(target, signing_key_arn)]
    admitted = [hashlib.sha256(secret.encode()).hexdigest() for _, secret in versions(target, admin_key_arn)]
    return {"LAUREL_SIGNING_KEYS": ",".join(signing), "LAUREL_ADMIN_KEY_HASHES": ",".join(admitted)}


def admin_key(target: Target) -> str:
    """Return the admin key that is current."""
    return versions(target, admin_key_name(target.stage))[0][1]


def versions(target: Target, arn: str) -> list[Version]:
    """Return the current version of a secret and, where there is one, the version before it."""
    found = [version for stage in VERSIONS if (version := _version(target, arn, stage))]
    if not found:
        raise DeployError(
            f"The secret {arn} has no value. Put one: aws secretsmanager put-secret-value --secret-id {arn}"
        )
    return found


def _version(target: Target, arn: str, stage: str) -> Version | None:
    secrets: Any = target.client("secretsmanager")
    try:
        answer = secrets.get_secret_value(SecretId=arn, VersionStage=stage)
    except secrets.exceptions.ResourceNotFoundException:
        return None
    secret = answer.get("SecretString", "")
    if len(secret) < MIN_LENGTH or "," in secret or secret != secret.strip():
        raise DeployError(
            f"The secret {arn} ({stage}) must be text of at least {MIN_LENGTH} characters, without commas or spaces at "
            "its ends. Put another version, and run this again."
        )
    return answer["VersionId"], secret
