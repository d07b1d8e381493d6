"""A small Laurel, so that tests of the local run do not depend on what the real one does."""

import shutil
from pathlib import Path

from local.layout import CHECKOUT

SMALL_APP = """\
import json
import os
import sys
import time

from chalice import AuthResponse, Chalice

from chalicelib.words import GREETING

app = Chalice(app_name="laurel")


@app.authorizer()
def player_authorizer(request):
    print("authorized", file=sys.stderr, flush=True)
    if request.token == "Bearer good":
        return AuthResponse(routes=["*"], principal_id="ada")
    return AuthResponse(routes=[], principal_id="", context={"code": "token_expired", "message": "Sign in again."})


@app.route("/", cors=True)
def greet():
    print("answered", file=sys.stderr, flush=True)
    return {"greeting": GREETING, "stage": os.environ["LAUREL_STAGE"]}


@app.route("/me", authorizer=player_authorizer, cors=True)
def me():
    return {"player": app.current_request.context["authorizer"]["principalId"]}


@app.route("/slow")
def slow():
    time.sleep(1.5)
    return {}
"""


def make_project(directory: Path) -> Path:
    (directory / "chalicelib").mkdir()
    (directory / "chalicelib" / "__init__.py").touch()
    (directory / "chalicelib" / "words.py").write_text('GREETING = "hello"\n')
    (directory / "app.py").write_text(SMALL_APP)
    shutil.copytree(CHECKOUT / ".chalice", directory / ".chalice", ignore=shutil.ignore_patterns("deploy*"))
    return directory
