"""Colour spaces that a file names by numbers rather than by a profile, as profiles."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from chalicelib.domain.avatars import MediaType
from chalicelib.pictures.formats import isobmff, png

Vector = Sequence[float]

_BRADFORD: Sequence[Vector] = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_D50 = (0.9642, 1.0, 0.8249)
"""The white of all profiles, to which ICC's way from another one is Bradford's."""
_CURVE_OF_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_ONE = 1 << 16
"""In the fixed-point numbers of profiles."""
_NEAR = 0.001


class Space(Struct, frozen=True):
    points: Vector
    """White, red, green and blue, each as x and y of CIE 1931."""
    gamma: float | None = None
    """The power of a value that is its light; None for the curve of sRGB."""


_POINTS = {
    1: (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_GAMMAS = {4: 2.2, 8: 1.0, 13: None}
"""By the codes of ITU-T H.273, as the points of BT.709, BT.2020 and Display P3. Light beyond white is left out."""
_SRGB = Space(_POINTS[1])
_SRGB_OF_PNG = Space(_POINTS[1], 1 / 0.45455)
"""What PNG has encoders say beside ``sRGB``, for decoders that know no curve."""


def profile(content: bytes, media_type: MediaType, info: Mapping[Any, Any]) -> bytes | None:
    """Return the profile of a picture's colours: the one it brings, or one made of what else it says of them.

    Args:
        content: A file that was inspected.
        info: What Pillow found in it.
    """
    brought: bytes | None = info.get("icc_profile") or None
    if media_type is MediaType.PNG:
        coded = _coded(png.colour_codes(content))
        return _made(coded) if coded else brought or _made(_measured(info))
    if media_type is MediaType.AVIF:
        return brought or _made(_coded(isobmff.colour_codes(content)))
    return brought


def _coded(codes: tuple[int, int] | None) -> Space | None:
    points, transfer = codes or (0, 0)
    return Space(_POINTS[points], _GAMMAS[transfer]) if points in _POINTS and transfer in _GAMMAS else None


def _measured(info: Mapping[Any, Any]) -> Space | None:
    """Return what PNG's ``cHRM`` and ``gAMA`` say: like browsers, only where there are both."""
    points, share = info.get("chromaticity", ()), info.get("gamma")
    if "srgb" in info or len(points) != len(_SRGB.points) or not share:
        return None
    space = Space(points, 1 / share)
    numbers = zip((*points, space.gamma), (*_SRGB_OF_PNG.points, _SRGB_OF_PNG.gamma), strict=True)
    return None if all(abs(a - b) < _NEAR for a, b in numbers) else space


def _made(space: Space | None) -> bytes | None:
    """Return the profile of a space, or None for sRGB itself, and for one that makes no sense."""
    if space in (None, _SRGB):
        return None
    try:
        return _written(_columns(space.points), _curve(space.gamma))
    except (ArithmeticError, ValueError, struct.error):
        return None


def _columns(points: Vector) -> list[Vector]:
    """Return full red, green and blue in XYZ, as they are seen by the white of profiles."""
    white, *primaries = [_in_xyz(x, y) for x, y in zip(points[::2], points[1::2], strict=True)]
    amounts = _solved(list(zip(*primaries, strict=True)), white)
    return [
        _adapted([amount * part for part in primary], white) for amount, primary in zip(amounts, primaries, strict=True)
    ]


def _in_xyz(x: float, y: float) -> Vector:
    return x / y, 1.0, (1 - x - y) / y


def _adapted(colour: Vector, white: Vector) -> Vector:
    """Return what looks by the white of profiles as a colour looks by another, by Bradford's model of the eye."""
    cones = zip(*(_times(_BRADFORD, each) for each in (colour, _D50, white)), strict=True)
    return _solved(_BRADFORD, [part * to / by for part, to, by in cones])


def _written(columns: Sequence[Vector], curve: bytes) -> bytes:
    tags = {b"wtpt": _xyz(_D50)}
    tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    at, entries, contents = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        entries += struct.pack(">4sII", name, at + len(contents), len(content))
        contents += content
    kind = struct.pack(">I4s4s4s12x4s28x", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    size = struct.pack(">I4x", at + len(contents))
    return size + kind + _fixed(_D50) + bytes(48) + struct.pack(">I", len(tags)) + entries + contents


def _xyz(numbers: Vector) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(numbers)


def _curve(gamma: float | None) -> bytes:
    kind, numbers = (3, _CURVE_OF_SRGB) if gamma is None else (0, (gamma,))
    return b"para" + struct.pack(">4xHH", kind, 0) + _fixed(numbers)


def _fixed(numbers: Vector) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * _ONE) for number in numbers))


def _times(matrix: Sequence[Vector], vector: Vector) -> Vector:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _solved(matrix: Sequence[Vector], vector: Vector) -> Vector:
    """Return what the matrix makes this vector of, by Cramer's rule."""
    columns = list(zip(*matrix, strict=True))
    whole = _determinant(columns)
    return [_determinant([*columns[:place], vector, *columns[place + 1 :]]) / whole for place in range(3)]


def _determinant(of: Sequence[Vector]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = of
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
