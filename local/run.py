"""Runs Laurel on this machine until Ctrl-C: ``python -m local.run``, or ``make run``.

PORT chooses the port, FRESH=1 forgets the data of earlier runs.
"""

import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from local import state, watch
from local.children import DeployError, StartError
from local.layout import CHECKOUT, DEFAULT_PORT, STATE_DIR
from local.resources import ResourceError
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
AWS endpoint for tools: {aws_endpoint} (any credentials). A saved change deploys itself. Ctrl-C stops everything.
"""


def main() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        _run(_port(os.environ.get("PORT", "")))
    except KeyboardInterrupt:
        print("Stopped; the data is saved.")
    except (state.StateInUseError, StartError, ResourceError, DeployError) as error:
        sys.exit(str(error))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not interrupt the saving of data.
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print("\nStopping ...")
    raise KeyboardInterrupt


def _port(text: str) -> int:
    if text and not (text.isdigit() and 0 < int(text) < 2**16):
        sys.exit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text or DEFAULT_PORT)


def _run(port: int) -> None:
    started = time.monotonic()
    if os.environ.get("FRESH") == "1":
        state.discard(STATE_DIR)
    with LocalStack(port=port, state_dir=STATE_DIR) as laurel:
        _complain(laurel.first_answer())
        print(
            WELCOME.format(
                seconds=time.monotonic() - started,
                url=laurel.url,
                admin_key=laurel.admin_key,
                aws_endpoint=laurel.aws_endpoint,
                state_dir=STATE_DIR.relative_to(CHECKOUT),
            ),
            flush=True,
        )
        _follow_changes(laurel)
        raise StartError(f"The embedded AWS has ended by itself. Its last words:\n{laurel.last_words()}")


def _follow_changes(laurel: LocalStack) -> None:
    laurel.prepare_deployment()
    for changed in watch.changes(CHECKOUT, still=lambda: laurel.running):
        started = time.monotonic()
        print(f"Changed: {', '.join(map(str, changed))}", flush=True)
        try:
            laurel.deploy()
        except (DeployError, ResourceError) as error:
            print(f"{error}\nNot deployed; what ran before still runs.", flush=True)
        else:
            _complain(laurel.first_answer())
            print(f"Deployed after {time.monotonic() - started:.1f} s.", flush=True)
        laurel.prepare_deployment()


def _complain(problem: str | None) -> None:
    if problem:
        print(f"{problem}\nThe app is deployed, but does not answer as it should.", flush=True)


if __name__ == "__main__":
    main()
