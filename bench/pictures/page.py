"""The page of pictures: docs/explanation/avatars-benchmark.md."""

import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence

import PIL
from PIL import features

from bench.pictures.measures import CHILD_MIB, FUNCTION_MIB, MAX_RATIO, Results, peak
from bench.pictures.quality import Losses
from bench.pictures.ways import EACH_FILE, LAUREL, Made, ratio, shortest
from bench.ranking.markdown import table, wrapped
from chalicelib.domain.avatars import SIZES
from chalicelib.pictures.encoding import QUALITY
from tests.repository import ROOT

PAGE = ROOT / "docs" / "explanation" / "avatars-benchmark.md"


def written(results: Results) -> str:
    """Return the whole document."""
    parts = (_opening(results), _usual(results), _kinds(results), _quality(results), _packages(results))
    return wrapped("\n\n".join(parts)) + "\n"


def _opening(results: Results) -> str:
    return f"""\
# Avatars, measured

What it takes to make the eight files of an avatar, compared with `vipsthumbnail`, the program of libvips that is known
for being quick. Measured by `python -m bench.pictures`, which writes this page: edit `bench/pictures/page.py`, not it.
It needs `vipsthumbnail`, which `make setup` does not install: on Debian, `apt-get install libvips-tools`. How pictures
are made, and why so: [avatars](avatars.md). Why by Pillow: [the decision](../decisions/0018-pictures-by-pillow.md).

Ratios come from runs that take turns, and hold on other machines; times do not. This one has {os.cpu_count()} cores,
{platform.system()} on {platform.machine()}, Python {platform.python_version()}, Pillow {PIL.__version__} with
libjpeg-turbo {features.version("libjpeg_turbo")} and libwebp {features.version("webp")}, and {results.libvips}. Nothing
here ran on Lambda. The pictures are generated, with a photograph's coarse and fine detail."""


def _usual(results: Results) -> str:
    rows = [_way(name, made, results.usual[LAUREL]) for name, made in results.usual.items()]
    return f"""\
## A JPEG of 12 megapixels

{table(["", "ms", "Laurel ÷ this", "largest process, MiB"], rows)}

The bound is {MAX_RATIO}, against `vipsthumbnail` for the same outputs: the same squares, formats and quality
({QUALITY}), without metadata. It writes one file each time it runs, so that it decodes eight times. The other lines are
for scale: what it takes when it decodes once, and then starts once for each file, and what one file alone takes.

Time is of whole processes, on the clock, the shortest of each way; ratios are medians of rounds. Laurel's is that of
`Renderer.render`, as in the deployed function: it starts the child, hands over the upload, checks what comes back.
libvips has as many threads as there are cores, Laurel's child has one. A process counts as no smaller than the one that
started it, which has some 30 MiB. The line of pyvips is there where requirements-bench.txt is installed."""


def _kinds(results: Results) -> str:
    rows = [
        [
            name,
            f"{shortest(made[LAUREL]).milliseconds:,.0f}",
            f"{ratio(made[LAUREL], made[EACH_FILE]):.2f}",
            f"{peak(made[LAUREL]):.0f}",
            f"{peak(made[EACH_FILE]):.0f}",
        ]
        for name, made in results.kinds.items()
    ]
    heads = ["", "Laurel, ms", "Laurel ÷ eight times `vipsthumbnail`", "Laurel's child, MiB", "`vipsthumbnail`, MiB"]
    return f"""\
## Every format, and a JPEG of 48 megapixels

{table(heads, rows)}

The bound is {CHILD_MIB} MiB for the child, [which the kernel keeps](avatars.md#why-no-upload-can-hurt), so that
{FUNCTION_MIB - CHILD_MIB} of a function of {FUNCTION_MIB} MB are left to the process that starts it. JPEG is decoded
into fewer pixels, and only a progressive one is kept whole, as two bytes for each of its coefficients. PNG and GIF are
decoded whole, WebP into four copies: which is why [each format has a limit of its own](../reference/avatars.md)."""


def _quality(results: Results) -> str:
    heads = ["", *(f"{name}, {size} px" for name in results.losses for size in SIZES)]
    shortcuts = next(iter(results.losses.values()))
    rows = [[shortcut, *_decibels(shortcut, results.losses)] for shortcut in shortcuts]
    return f"""\
## What shortcuts lose

{table(heads, rows)}

Decibels (PSNR) between a shortcut and the same JPEG of 12 megapixels decoded whole and resized to each size by Lanczos:
more is better. Laurel takes those that lose far less than saving does: the decoder leaves at least twice the pixels a
side, and smaller sizes come from the largest, each by Lanczos."""


def _packages(results: Results) -> str:
    rows = [[name, f"{each.zipped:.1f}", f"{each.unzipped:.1f}"] for name, each in results.weights.items()]
    return f"""\
## The libraries

{table(["", "zipped, MB", "unzipped, MB"], rows)}

As their wheels have them; what of them is packaged is less: [cold starts](cold-start.md#the-package)."""


def _way(name: str, made: Sequence[Made], ours: Sequence[Made]) -> Sequence[str]:
    times = "" if made is ours else f"{ratio(ours, made):.2f}"
    return [
        name,
        f"{shortest(made).milliseconds:,.0f}",
        f"**{times}**" if name == EACH_FILE else times,
        f"{peak(made):.0f}",
    ]


def _decibels(shortcut: str, losses: Mapping[str, Mapping[str, Losses]]) -> Iterable[str]:
    for by_shortcut in losses.values():
        for size in SIZES:
            lost = by_shortcut[shortcut].get(size)
            yield "-" if lost is None or math.isinf(lost) else f"{lost:.0f}"
