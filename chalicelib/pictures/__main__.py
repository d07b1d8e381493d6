"""The child process that makes an avatar: ``python -m chalicelib.pictures <task>``, the upload on standard input.

It answers with ``READY`` when it has loaded its decoders and given up its rights, then with an ``Answer``.
"""

import gc
import os
import sys
import traceback
from collections.abc import Callable
from typing import BinaryIO

import msgspec
from msgspec import structs

from chalicelib.domain.avatars import Crop, MediaType, Refused, Rendition
from chalicelib.pictures.confinement import confine
from chalicelib.pictures.protocol import READY, Answer, Task
from chalicelib.pictures.refusals import TOO_COMPLEX, UNREADABLE
from chalicelib.pictures.seclusion import seclude

Look = Callable[[bytes, MediaType], Refused | None]
Render = Callable[[bytes, MediaType, Crop], list[Rendition]]


def main() -> None:
    gc.disable()  # one picture, then the end
    answers = alone_on_standard_output()
    from chalicelib.pictures.inspection import inspect  # noqa: PLC0415  # standard output is safe by now
    from chalicelib.pictures.rendering import renditions  # noqa: PLC0415  # the same

    serve(msgspec.json.decode(sys.argv[1], type=Task), answers, inspect, renditions)


def serve(task: Task, answers: BinaryIO, look: Look, render: Render) -> None:
    """Confine this process, answer one task, and end."""
    confine(task.memory, task.cpu_seconds)
    secluded = seclude()
    answers.write(READY)
    answers.flush()
    content = sys.stdin.buffer.read(task.length)
    found = structs.replace(answer(content, task, look, render), secluded=secluded)
    answers.write(msgspec.msgpack.encode(found))
    answers.flush()
    os._exit(0)  # nothing is worth cleaning up


def answer(content: bytes, task: Task, look: Look, render: Render) -> Answer:
    """Return what becomes of a picture, whatever is wrong with it."""
    try:
        refused = look(content, task.declared)
        return Answer(refused=refused) if refused else Answer(render(content, task.declared, task.crop))
    except ImportError as error:
        return Answer(missing=str(error))
    except MemoryError:
        return Answer(refused=TOO_COMPLEX.refused())
    except Exception:  # noqa: BLE001  # decoders raise anything: whatever it is, this picture is not taken
        traceback.print_exc()
        return Answer(refused=UNREADABLE.refused())


def alone_on_standard_output() -> BinaryIO:
    """Return standard output, on which from now on nothing else of this process can print."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
