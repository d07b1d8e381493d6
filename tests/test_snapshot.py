"""What a snapshot of a started function holds, for every copy that is restored from it.

Lambda takes one after the import of app.py, and before the first request: SnapStart. Whatever is random, opened or
fetched by then would be the same in all copies, and old in most.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.repository import ROOT

pytestmark = pytest.mark.slow

STARTED = """
import gc, http.client, random, socket, sys
import app
"""
HELD = """
import botocore.client, botocore.credentials, botocore.session
from chalicelib import config
from chalicelib.services.tokens import Tokens
from chalicelib.store.dynamo import Dynamo

gc.unfreeze()
never = (socket.socket, http.client.HTTPConnection, botocore.client.BaseClient, botocore.session.Session,
         botocore.credentials.Credentials, config.Config, config.SigningKey, Tokens, Dynamo)
print(sorted({type(each).__name__ for each in gc.get_objects() if isinstance(each, never)}))
"""
MADE = """
import json, os
from datetime import UTC, datetime
from chalicelib.services import clock
from chalicelib.services.tokens import new_refresh_token
from chalicelib.store import dynamo

frozen = random.getstate()


def restored():
    \"\"\"Return what a copy makes up for its first request.\"\"\"
    reading, writing = os.pipe()
    if os.fork() == 0:
        # Python seeds its randomness anew in a forked process. Nothing does in a restored one.
        random.setstate(frozen)
        pauses = []
        dynamo.Dynamo(client=None, threads=None, sleep=pauses.append).pause(5)
        game_id = clock.new_game_id(datetime.fromtimestamp(0, UTC))
        made = [clock.new_id(), clock.new_seed(), game_id, new_refresh_token("0" * 32, "0" * 32).text, pauses]
        os.write(writing, json.dumps([*made, random.random()]).encode())
        os._exit(0)
    os.close(writing)
    os.wait()
    with os.fdopen(reading) as answer:
        return json.load(answer)


print(json.dumps([restored(), restored()]))
"""


def run(program: str) -> str:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "LAUREL_STAGE": "dev"}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_nothing_opened_fetched_or_secret_is_held() -> None:
    assert run(STARTED + HELD).strip() == "[]"


def test_what_would_be_held_is_noticed() -> None:
    too_early = "import botocore.session; session = botocore.session.Session(); line = socket.socket()\n"

    assert run(STARTED + too_early + HELD).strip() == "['Session', 'socket']"


def test_copies_make_up_different_ids_secrets_and_pauses() -> None:
    one, other = json.loads(run(STARTED + MADE))

    assert one.pop() == other.pop(), "the copies do not share Python's randomness: this test shows nothing"
    for made, also_made in zip(one, other, strict=True):
        assert made != also_made
