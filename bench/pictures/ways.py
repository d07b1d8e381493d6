"""The ways of making the four sizes in both formats, each timed as a whole, taking turns."""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.pictures.photographs import Photograph
from chalicelib.domain.avatars import SIZES, Form
from chalicelib.pictures.encoding import QUALITY
from tests.repository import ROOT

LAUREL = "Laurel: one child, eight files"
EACH_FILE = "`vipsthumbnail`, once for each file"
EACH_SIZE = "`vipsthumbnail`, once for each size, WebP alone"
FROM_LARGEST = "`vipsthumbnail`, the largest size first, the files from that"
ONE_FILE = "`vipsthumbnail`, the largest WebP alone"
PYVIPS = "pyvips: one process, eight files"

VIPSTHUMBNAIL = "vipsthumbnail"
_BY_PYVIPS = Path(__file__).with_name("by_pyvips.py")
_OPTIONS = {Form.WEBP: f"[Q={QUALITY},strip]", Form.JPEG: f"[Q={QUALITY},optimize_coding,strip]"}


@dataclass(frozen=True, slots=True)
class Made:
    """What one way took, once."""

    milliseconds: float
    mebibytes: float
    """The most that one of its processes held."""


def tasks(photograph: Photograph, folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return every way that there is on this machine."""
    each_size = [_thumbnail(photograph.path, folder, size, Form.WEBP) for size in SIZES]
    largest = str(folder / "largest.v")
    first = [VIPSTHUMBNAIL, str(photograph.path), *_square(max(SIZES)), "-o", largest]
    ways: dict[str, Mapping[str, Any]] = {
        **two_ways(photograph, folder),
        FROM_LARGEST: {"commands": [first, *_thumbnails(Path(largest), folder)]},
        EACH_SIZE: {"commands": each_size},
        ONE_FILE: {"commands": each_size[-1:]},
    }
    if find_spec("pyvips"):
        ways[PYVIPS] = {"commands": [[sys.executable, str(_BY_PYVIPS), str(photograph.path), str(QUALITY)]]}
    return ways


def two_ways(photograph: Photograph, folder: Path) -> dict[str, Mapping[str, Any]]:
    ours = {"path": str(photograph.path), "media_type": photograph.media_type}
    return {LAUREL: ours, EACH_FILE: {"commands": list(_thumbnails(photograph.path, folder))}}


def in_turns(ways: Mapping[str, Mapping[str, Any]], rounds: int) -> dict[str, list[Made]]:
    made: dict[str, list[Made]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, task in ways.items():
            made[name].append(_once(task))
    return made


def shortest(made: Iterable[Made]) -> Made:
    return min(made, key=lambda each: each.milliseconds)


def ratio(made: Sequence[Made], other: Sequence[Made]) -> float:
    """Return the median of how many times as long one took as the other, round by round."""
    return statistics.median(a.milliseconds / b.milliseconds for a, b in zip(made, other, strict=True))


def missing() -> str | None:
    """Return what to install first."""
    if shutil.which(VIPSTHUMBNAIL) and shutil.which("vips"):
        return None
    return "vipsthumbnail is what Laurel is measured against: install it, on Debian with: apt-get install libvips-tools"


def version() -> str:
    said = subprocess.run([VIPSTHUMBNAIL, "--vips-version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def _thumbnails(path: Path, folder: Path) -> Iterable[list[str]]:
    return (_thumbnail(path, folder, size, form) for size in SIZES for form in Form)


def _thumbnail(path: Path, folder: Path, size: int, form: Form) -> list[str]:
    return [VIPSTHUMBNAIL, str(path), *_square(size), "-o", f"{folder}/{size}.{form}{_OPTIONS[form]}"]


def _square(size: int) -> list[str]:
    return ["--size", f"{size}x{size}", "--smartcrop", "centre"]


def _once(task: Mapping[str, Any]) -> Made:
    command = [sys.executable, "-m", "bench.pictures.once", json.dumps(task)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{task}: {done.stderr}")
    return Made(*json.loads(done.stdout))
