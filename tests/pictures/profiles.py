"""Colour profiles made by hand, and what colours are by their definition: what colour management is held to."""

import struct
from collections.abc import Mapping, Sequence

from msgspec import Struct

Colour = tuple[int, int, int]
Matrix = Sequence[Sequence[float]]

SRGB_TO_XYZ: Matrix = (
    (0.4360747, 0.3850649, 0.1430804),
    (0.2225045, 0.7168786, 0.0606169),
    (0.0139322, 0.0971045, 0.7141733),
)
"""By the white of profiles, D50, as the others."""
_P3: Matrix = ((0.5151187, 0.2919778, 0.1571035), (0.2411892, 0.6922441, 0.0665668), (-0.0010505, 0.0418791, 0.7840713))
_ADOBE: Matrix = (
    (0.6097559, 0.2052401, 0.1492240),
    (0.3111242, 0.6256560, 0.0632197),
    (0.0194811, 0.0608902, 0.7448387),
)
_WHITE = (0.9642, 1.0, 0.8249)
_FULL = 255


class Space(Struct, frozen=True):
    """A space of red, green and blue, each ``value ** gamma`` of light."""

    matrix: Matrix
    gamma: float

    def profile(self) -> bytes:
        curve = _curve(self.gamma)
        columns = zip(*self.matrix, strict=True)
        primaries = {name: _xyz(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
        curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
        return _profile(b"mntr", b"RGB ", b"XYZ ", {b"wtpt": _xyz(*_WHITE), **primaries, **curves})

    def of(self, colour: Colour) -> Colour:
        """Return the values that show a colour of sRGB in this space."""
        red, green, blue = (round(_FULL * share ** (1 / self.gamma)) for share in self.light(colour))
        return red, green, blue

    def by_the_curve_of_srgb(self, colour: Colour) -> Colour:
        """Return the same, were its values as far from its light as those of sRGB are."""
        red, green, blue = (round(_FULL * _curved(share)) for share in self.light(colour))
        return red, green, blue

    def light(self, colour: Colour) -> list[float]:
        light = [_linear(value / _FULL) for value in colour]
        return [max(share, 0) for share in _solved(self.matrix, _times(SRGB_TO_XYZ, light))]


DISPLAY_P3, ADOBE_RGB, LINEAR = Space(_P3, 2.4), Space(_ADOBE, 563 / 256), Space(SRGB_TO_XYZ, 1.0)


def grey(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(*_WHITE), b"kTRC": _curve(gamma)})


def grey_of(value: int, gamma: float) -> int:
    """Return the value that shows a grey of sRGB by the profile of that gamma."""
    return int(_FULL * _linear(value / _FULL) ** (1 / gamma) + 0.5)


def inks(shown: Mapping[tuple[int, int, int, int], Colour]) -> bytes:
    """Return a profile of CMYK by which these full inks show these colours of sRGB, and all others white."""
    corners = [tuple(number >> place & 1 for place in (3, 2, 1, 0)) for number in range(16)]
    white = (_FULL, _FULL, _FULL)
    grid = b"".join(_lab(shown.get((c, m, y, k), white)) for c, m, y, k in corners)
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    table = b"mft1\0\0\0\0\x04\x03\x02\0" + identity + 4 * ramp + grid + 3 * ramp
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(*_WHITE), b"A2B0": table, b"A2B1": table})


def _profile(kind: bytes, space: bytes, connection: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    tags = {b"desc": _described(), b"cprt": b"text\0\0\0\0None\0", **tags}
    at, entries, contents = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        entries += struct.pack(">4sII", name, at + len(contents), len(content))
        contents += padded
    body = struct.pack(">I", len(tags)) + entries + contents
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"test", 0x02400000, kind, space, connection)
    illuminant = _xyz(*_WHITE)[8:]
    return head + bytes(12) + b"acsp" + bytes(28) + illuminant + bytes(48) + body


def _described() -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Test\0" + bytes(8 + 3 + 67)


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _lab(colour: Colour) -> bytes:
    x, y, z = (
        _root(part / whole)
        for part, whole in zip(_times(SRGB_TO_XYZ, [_linear(v / _FULL) for v in colour]), _WHITE, strict=True)
    )
    return bytes((round((116 * y - 16) * 2.55), round(500 * (x - y)) + 128, round(200 * (y - z)) + 128))


def _root(share: float) -> float:
    return float(share ** (1 / 3)) if share > (6 / 29) ** 3 else share / (3 * (6 / 29) ** 2) + 4 / 29


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _curved(light: float) -> float:
    return 12.92 * light if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


def _times(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _solved(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    """Return what the matrix makes this vector of, by Cramer's rule."""
    whole = _determinant(matrix)
    replaced = (
        [[v if at == column else row[at] for at in range(3)] for row, v in zip(matrix, vector, strict=True)]
        for column in range(3)
    )
    return [_determinant(each) / whole for each in replaced]


def _determinant(m: Matrix) -> float:
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
