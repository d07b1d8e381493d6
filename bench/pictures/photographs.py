"""Pictures to measure with: of a photograph's coarse and fine detail, in every format, the same every time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from chalicelib.domain.avatars import MediaType

MEGA = 1_000_000
_SEED = 5
_TILE = 1000
"""Pixels a side of the fine detail, which is repeated, mirrored."""
_QUALITY = 88
_PROGRESSIVE = {"quality": _QUALITY, "progressive": True}

Field = npt.NDArray[np.float32]
Options = Mapping[str, Any]
"""What Pillow is told on saving."""


_FORMATS: Sequence[tuple[str, MediaType, Options]] = (
    ("JPEG", MediaType.JPEG, {"quality": _QUALITY}),
    ("JPEG, progressive", MediaType.JPEG, _PROGRESSIVE),
    ("PNG", MediaType.PNG, {"compress_level": 1}),
    ("WebP", MediaType.WEBP, {"quality": _QUALITY, "method": 0}),
    ("AVIF", MediaType.AVIF, {"quality": 60, "speed": 10}),
)
_KINDS_OF_JPEG: Sequence[tuple[str, Options]] = (
    ("JPEG", {"quality": _QUALITY}),
    ("JPEG, progressive", _PROGRESSIVE),
    ("JPEG, progressive, colours in full", {**_PROGRESSIVE, "subsampling": 0}),
)


@dataclass(frozen=True, slots=True)
class Photograph:
    name: str
    media_type: MediaType
    path: Path
    pixels: int


def photograph(width: int, height: int) -> Image.Image:
    """Return coarse shapes in colours, with fine detail that loses strength with every octave, as in nature."""
    rng = np.random.default_rng(_SEED)
    coarse = [_enlarged(_octaves(rng, width // 8, height // 8, 4, 0.6), width, height) for _ in range(3)]
    grey = 125 + 38 * (coarse[0] + 0.35 * _fine(rng, width, height))
    channels = [np.clip(grey + 18 * channel, 0, 255).astype(np.uint8) for channel in coarse]
    return Image.fromarray(np.dstack(channels))


def photographs(folder: Path, megapixels: tuple[int, int] = (12, 48)) -> Iterator[Photograph]:
    """Yield a usual picture in every format, then a large JPEG."""
    usual, large = (_of(each) for each in megapixels)
    for name, media_type, options in _FORMATS:
        yield _saved(usual, folder, name, media_type, options)
    yield _saved(usual.quantize(64, Image.Quantize.FASTOCTREE), folder, "GIF", MediaType.GIF, {})
    for name, options in _KINDS_OF_JPEG:
        yield _saved(large, folder, name, MediaType.JPEG, options)


def _of(megapixels: int) -> Image.Image:
    """Return a picture of 4 by 3."""
    unit = round((megapixels * MEGA / 12) ** 0.5)
    return photograph(4 * unit, 3 * unit)


def _saved(image: Image.Image, folder: Path, name: str, media_type: MediaType, options: Options) -> Photograph:
    pixels = image.width * image.height
    name = f"{name}, {round(pixels / MEGA)} megapixels"
    path = folder / f"{name.replace(', ', '-').replace(' ', '-')}.{media_type.removeprefix('image/')}"
    image.save(path, **options)
    return Photograph(name, media_type, path, pixels)


def _fine(rng: np.random.Generator, width: int, height: int) -> Field:
    tile = _octaves(rng, _TILE, _TILE, 32, 0.75)
    mirrored = np.block([[tile, tile[:, ::-1]], [tile[::-1], tile[::-1, ::-1]]])
    times = (-(-height // (2 * _TILE)), -(-width // (2 * _TILE)))
    return np.tile(mirrored, times)[:height, :width]


def _octaves(rng: np.random.Generator, width: int, height: int, first: int, decay: float) -> Field:
    field, strength, across = np.zeros((height, width), np.float32), 1.0, first
    while across <= width:
        noise = rng.standard_normal((max(height * across // width, 2), across)).astype(np.float32)
        field += strength * _enlarged(noise, width, height)
        across, strength = 2 * across, strength * decay
    return field


def _enlarged(field: Field, width: int, height: int) -> Field:
    return np.asarray(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC))
