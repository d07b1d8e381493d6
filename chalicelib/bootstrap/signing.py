"""What checks tokens, built once, on first use: all that the authorizer needs, which starts without a database."""

from functools import lru_cache

from chalicelib import config
from chalicelib.services import clock
from chalicelib.services.tokens import Tokens


@lru_cache(maxsize=1)
def tokens() -> Tokens:
    return Tokens(config.load().signing_keys, clock.now)
