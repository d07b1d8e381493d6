"""How many DynamoDB clients a process makes: ``python -m bench.cold.clients`` says."""

import os
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import botocore

from bench.client import Observer
from bench.memory import MemoryDynamoDB
from bench.operations import COUNT_ADVICE, RANK_ALONE, operations
from bench.scene import ENVIRONMENT, MIN_SIZE, Scene
from chalicelib.bootstrap import serving
from tests.tables import tables


def clients_made() -> int:
    """Return how many DynamoDB clients one process makes for one of every operation."""
    made: list[Any] = []

    def watch(session: Any) -> None:
        session.register("creating-client-class.dynamodb", lambda **event: made.append(event["class_attributes"]))

    memory = MemoryDynamoDB(tables())
    with Observer(memory).attached():
        scene = Scene.set(memory, MIN_SIZE)
        serving.services.cache_clear()
        botocore.register_initializer(watch)
        for operation in operations():
            if operation.name not in {RANK_ALONE, COUNT_ADVICE}:
                operation.prepare(scene, 0)()
        botocore.unregister_initializer(watch)
    return len(made)


def main() -> None:
    os.environ.update(ENVIRONMENT)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        made = clients_made()
    print(f"DynamoDB clients in one process: {made}.")


if __name__ == "__main__":
    main()
