"""What shortcuts cost: how far their pixels are from those made slowly, in decibels."""

import math
from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from chalicelib.domain.avatars import SIZES, Form
from chalicelib.pictures.encoding import QUALITY, encoded

LARGEST = max(SIZES)
SPARES = (1, 2)
"""Times the pixels a side of the largest size that the decoder of JPEG is asked to leave."""

Losses = Mapping[int, float]
"""Decibels by size."""


def drawing(width: int, height: int) -> Image.Image:
    """Return edges, hard ones in every direction, which show what photographs forgive."""
    image = Image.new("RGB", (width, height), (240, 235, 225))
    draw, rng = ImageDraw.Draw(image), np.random.default_rng(3)
    for _ in range(400):
        x, y, radius, slope, *colour = rng.integers(0, (width, height, 300, 300, 256, 256, 256)).tolist()
        draw.line((x, y, x + 3 * radius, y + slope), fill=tuple(colour), width=max(radius // 20, 1))
        draw.ellipse((y, x, y + radius, x + radius), fill=tuple(colour))
    return image


def losses(image: Image.Image) -> dict[str, Losses]:
    """Return them by shortcut, for a picture whose smaller side is several times the largest size."""
    file = BytesIO()
    image.save(file, "JPEG", quality=90)
    slowly = {size: _square(_decoded(file, 0)).resize((size, size), Image.Resampling.LANCZOS) for size in SIZES}
    drafted = {
        f"decoder leaves at least {spare} times {LARGEST}": _psnr(
            {LARGEST: _square(_decoded(file, spare * LARGEST)).resize((LARGEST, LARGEST), Image.Resampling.LANCZOS)},
            slowly,
        )
        for spare in SPARES
    }
    largest, smaller = slowly[LARGEST], SIZES[:-1]
    direct = {size: largest.resize((size, size), Image.Resampling.LANCZOS) for size in smaller}
    return {
        **drafted,
        f"sizes from {LARGEST}": _psnr(direct, slowly),
        "each size from the next larger": _psnr(_chain(largest, _halved_well), slowly),
        "the same, as means of four pixels": _psnr(_chain(largest, lambda picture: picture.reduce(2)), slowly),
        f"for scale: saved as JPEG of quality {QUALITY}": _psnr({size: _saved(slowly[size]) for size in SIZES}, slowly),
    }


def _decoded(file: BytesIO, least: int) -> Image.Image:
    image = Image.open(file)
    if least:
        image.draft(None, (least, least))
    return image.convert("RGB")


def _saved(image: Image.Image) -> Image.Image:
    return Image.open(BytesIO(encoded(image, Form.JPEG)))


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _chain(largest: Image.Image, halved: Callable[[Image.Image], Image.Image]) -> dict[int, Image.Image]:
    pictures, picture = {}, largest
    for size in sorted(SIZES[:-1], reverse=True):
        picture = pictures[size] = halved(picture)
    return pictures


def _halved_well(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)


def _psnr(pictures: Mapping[int, Image.Image], slowly: Mapping[int, Image.Image]) -> Losses:
    return {size: decibels(picture, slowly[size]) for size, picture in pictures.items()}


def decibels(image: Image.Image, other: Image.Image) -> float:
    """Return the ratio of the strongest signal to the noise that makes one picture the other (PSNR)."""
    error = float(np.mean((np.asarray(image, np.float64) - np.asarray(other, np.float64)) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.inf
