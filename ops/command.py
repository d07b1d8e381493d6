"""What commands share: options that also come from the environment, as make hands them on, and how they end."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from ops.functions import CommandError, Functions

NOT_ASKED = 2
INTERRUPTED = 130


def options(about: str, environ: Mapping[str, str], **described: str) -> argparse.ArgumentParser:
    """Return a parser of text options; one that is not given has the value of its name in the environment."""
    parser = argparse.ArgumentParser(description=about)
    for name, text in described.items():
        parser.add_argument(f"--{name}", default=environ.get(name.upper()) or None, help=text, metavar=name.upper())
    return parser


def number(name: str, text: str | None) -> int | None:
    if text is not None and not (text.isascii() and text.isdigit()):
        raise CommandError(f"{name.upper()} must be a whole number, not {text!r}")
    return None if text is None else int(text)


def run(act: Callable[[Functions], int]) -> None:
    """Run a command against the deployment that STAGE names, and end with its status."""
    try:
        sys.exit(act(Functions(os.environ)))
    except CommandError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_ASKED)
    except KeyboardInterrupt:
        print(
            "\nStopped watching. Run the command again to go on; the deployment's schedule does too.", file=sys.stderr
        )
        sys.exit(INTERRUPTED)
