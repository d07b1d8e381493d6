"""The environment variables of a stage's functions that no file holds: from the stack's outputs and the secrets."""

from collections.abc import Mapping

from deploy.target import Target


def of_functions(target: Target, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by name; those of .chalice/config.json are beside them."""
    raise NotImplementedError
