"""Runs Laurel on this machine until Ctrl-C: ``python -m local.run``, or ``make run``.

PORT chooses the port, FRESH=1 forgets the data of earlier runs.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from deploy.errors import DeployError
from local import state, watch
from local.children import StartError
from local.layout import ACCESS_KEY, CHECKOUT, DEFAULT_PORT, LOG_GROUP, REGION, SECRET_KEY, STATE_DIR
from local.stack import LocalStack

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WELCOME = """\
Laurel is up after {seconds:.1f} s: {url}
Admin key: {admin_key}

Try it:
  curl -X POST {url}admin/boards -H 'X-Laurel-Admin-Key: {admin_key}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"board_id": "speedrun", "title": "Speedrun", "unit": "ms", "sort_order": "asc"}}'
  curl -X POST {url}players -H 'Content-Type: application/json' -d '{{"device_id": "my-first-device"}}'
  curl {url}

Data is kept in {state_dir} when this stops in order; FRESH=1 begins anew. It is saved only then: should the embedded
AWS itself be killed (kill -9, power cut), everything since its start is lost.
For the AWS tools, which find the app's log in {log_group}:
  export AWS_ENDPOINT_URL={aws_endpoint} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID={access_key} AWS_SECRET_ACCESS_KEY={secret_key}
A saved change deploys itself. Ctrl-C stops everything.
"""


def main() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        _run(_port(os.environ.get("PORT", "")))
    except KeyboardInterrupt:
        _say("Stopped; the data is saved.")
    except (state.StateInUseError, StartError, DeployError) as error:
        sys.exit(str(error))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not interrupt the saving of data.
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    _say("\nStopping ...")
    raise KeyboardInterrupt


def _port(text: str) -> int:
    if text and not (text.isdigit() and 0 < int(text) < 2**16):
        sys.exit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text or DEFAULT_PORT)


def _run(port: int) -> None:
    started = time.monotonic()
    if os.environ.get("FRESH") == "1":
        state.discard(STATE_DIR)
    files = watch.snapshot(CHECKOUT)
    with LocalStack(port=port, state_dir=STATE_DIR) as laurel:
        _complain(laurel.first_answer())
        _say(
            WELCOME.format(
                seconds=time.monotonic() - started,
                url=laurel.url,
                admin_key=laurel.admin_key,
                aws_endpoint=laurel.aws_endpoint,
                region=REGION,
                access_key=ACCESS_KEY,
                secret_key=SECRET_KEY,
                log_group=LOG_GROUP,
                state_dir=STATE_DIR.relative_to(CHECKOUT),
            ),
        )
        _follow_changes(laurel, files)
        raise StartError(
            "The embedded AWS has ended by itself: what was written since the start is lost. "
            f"Its log ends:\n{laurel.last_words()}"
        )


def _follow_changes(laurel: LocalStack, deployed: watch.Snapshot) -> None:
    laurel.prepare_deployment()
    for changed in watch.changes(CHECKOUT, deployed, still=lambda: laurel.running):
        started = time.monotonic()
        _say(f"Changed: {', '.join(map(str, changed))}")
        try:
            laurel.deploy()
        except DeployError as error:
            _say(f"{error}\nNot deployed; what ran before still runs.")
        else:
            _complain(laurel.first_answer())
            _say(f"Deployed after {time.monotonic() - started:.1f} s.")
        laurel.prepare_deployment()


def _say(text: str) -> None:
    # A terminal that has gone away is no reason to leave data unsaved.
    with suppress(OSError):
        print(text, flush=True)


def _complain(problem: str | None) -> None:
    if problem:
        _say(f"{problem}\nThe app is deployed, but does not answer as it should.")


if __name__ == "__main__":
    main()
