"""The secrets of a stage, as its functions are told them: the signing keys, and the digests of the admin keys."""

from deploy.target import Target


def environment(target: Target, signing_key_arn: str, admin_key_arn: str) -> dict[str, str]:
    """Return LAUREL_SIGNING_KEYS and LAUREL_ADMIN_KEY_HASHES: the current version of each, then the previous one."""
    raise NotImplementedError
