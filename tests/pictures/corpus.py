"""Pictures that are taken, one of every kind: upright and in sRGB, each shows the compass, a colour in every corner."""

import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from io import BytesIO

from msgspec import Struct, field
from PIL import Image, ImageChops

from chalicelib.domain.avatars import MediaType
from tests.pictures import profiles
from tests.pictures.anatomy import chunk, png_header

JPEG, PNG, WEBP, GIF, AVIF = MediaType
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 96, 64
CORNERS: Mapping[str, Colour] = {
    "north-west": (200, 40, 40),
    "north-east": (40, 160, 60),
    "south-west": (40, 60, 200),
    "south-east": (230, 220, 60),
}
GREYS: Mapping[str, Colour] = {
    "north-west": (51, 51, 51),
    "north-east": (102, 102, 102),
    "south-west": (170, 170, 170),
    "south-east": (255, 255, 255),
}
CLEAR = "south-east"
"""The corner that is transparent, where one is."""

_ORIENTATION, _XMP_TURNED = 0x0112, b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What is done to a picture so that its orientation undoes it, by the table of EXIF."""
_DEEP_AVIF = b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUEAAADybWV0YQAAAAAAAAAoaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAGxp"
    "YmF2aWYAAAAADnBpdG0AAAAAAAEAAAAeaWxvYwAAAABEAAABAAEAAAABAAABGgAAAFwAAAAoaWluZgAAAAAAAQAAABppbmZlAgAAAAAB"
    "AABhdjAxQ29sb3IAAAAAamlwcnAAAABLaXBjbwAAABRpc3BlAAAAAAAAAGAAAABAAAAAEHBpeGkAAAAAAwoKCgAAAAxhdjFDgSBAAAAA"
    "ABNjb2xybmNseAAMAA0ABoAAAAAXaXBtYQAAAAAAAAABAAEEAQKDBAAAAGRtZGF0EgAKCTgZb/7GGBoNIDJNEyAEkkkiAMG2P2HuLt9i"
    "qwP8Sowg2m9nsO/C214b8ZgCBveKvkbQ3BpUsN02ukh3maWRtmCx5mxAjGT8v1VPyMgI0mjP/OXLXqo5k1A="
)
"""Of 10 bits a channel and, by its codes, of Display P3: the compass by avifenc 0.11. Pillow writes 8 bits alone."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Where each pass of an interlaced PNG starts, and its steps, across and down."""


class Good(Struct, frozen=True):
    name: str
    media_type: MediaType
    content: bytes
    corners: Mapping[str, Colour] = field(default_factory=lambda: CORNERS)
    clear: bool = False
    """Whether its south-east is transparent."""
    tolerance: int = 12
    """By which each channel in the middle of a corner may differ: what lossy formats and 8 bits lose, twice."""


def compass(colours: Mapping[str, Colour] = CORNERS, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    image = Image.new("RGB", (width, height))
    for corner, colour in colours.items():
        left = 0 if "west" in corner else width // 2
        top = 0 if "north" in corner else height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def clear_compass() -> Image.Image:
    image = compass().convert("RGBA")
    image.paste((0, 0, 0, 0), (WIDTH // 2, HEIGHT // 2, WIDTH, HEIGHT))
    return image


@cache
def pictures() -> tuple[Good, ...]:
    kinds: tuple[Callable[[], Iterator[Good]], ...] = (
        _orientations,
        _jpegs,
        _profiles,
        _spaces,
        _pngs,
        _greys,
        _keyed,
        _animations,
        _others,
    )
    return tuple(good for kind in kinds for good in kind())


def saved(image: Image.Image, media_type: MediaType, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, media_type.removeprefix("image/").upper(), **options)
    return file.getvalue()


def turned(media_type: MediaType, orientation: int) -> bytes:
    """Return a picture that is stored so that its EXIF orientation shows the compass."""
    return saved(compass().transpose(_STORED[orientation]), media_type, exif=_exif(orientation), quality=90)


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return exif.tobytes()


def _orientations() -> Iterator[Good]:
    for orientation in _STORED:
        for name, media_type in {"JPEG": JPEG, "PNG": PNG, "WebP": WEBP, "AVIF": AVIF}.items():
            yield Good(f"{name}, orientation {orientation}", media_type, turned(media_type, orientation))
    yield Good("JPEG, orientation 9", JPEG, saved(compass(), JPEG, exif=_exif(9)))
    yield Good("JPEG, EXIF of nonsense", JPEG, saved(compass(), JPEG, exif=b"Exif\0\0MM\0*\0\0\xff\xff"))
    for name, media_type in {"JPEG": JPEG, "WebP": WEBP, "AVIF": AVIF}.items():
        yield Good(f"{name}, turned by XMP alone", media_type, saved(compass(), media_type, xmp=_XMP_TURNED))
    content, xmp = saved(compass(), PNG), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP_TURNED)
    yield Good("PNG, turned by XMP alone", PNG, content[:33] + xmp + content[33:])
    yield Good("PNG, turned by XMP alone, at its end", PNG, content[:-12] + xmp + content[-12:])


def _jpegs() -> Iterator[Good]:
    yield Good("JPEG", JPEG, saved(compass(), JPEG, comment="a comment", dpi=(72, 72)))
    yield Good("JPEG, progressive", JPEG, saved(compass(), JPEG, progressive=True))
    yield Good("JPEG, large enough to be decoded at a quarter", JPEG, saved(compass(width=6144, height=4096), JPEG))
    cmyk = saved(compass().convert("CMYK"), JPEG, quality=90, subsampling=0)
    yield Good("JPEG, CMYK by Adobe", JPEG, cmyk)
    yield Good("JPEG, CMYK by others", JPEG, _without_adobe(saved(_inverted(compass().convert("CMYK")), JPEG)))
    yield Good("JPEG, YCCK", JPEG, _ycck())
    second = saved(compass().transpose(Image.Transpose.ROTATE_180), JPEG)
    yield Good("JPEG, followed by a second picture", JPEG, saved(compass(), JPEG) + second)
    mpo = BytesIO()
    compass().save(mpo, "MPO", save_all=True, append_images=[compass().transpose(Image.Transpose.ROTATE_180)])
    yield Good("JPEG, two pictures of a telephone (MPO)", JPEG, mpo.getvalue())


def _inverted(cmyk: Image.Image) -> Image.Image:
    return Image.merge("CMYK", [ImageChops.invert(channel) for channel in cmyk.split()])


def _without_adobe(content: bytes) -> bytes:
    """Return a JPEG without the segment by which Adobe says that its inks are inverted."""
    at = content.index(b"\xff\xee\x00\x0eAdobe")
    return content[:at] + content[at + 2 + 0x0E :]


def _ycck() -> bytes:
    """Return CMYK of Adobe whose inks but black are stored as brightness and two differences."""
    cyan, magenta, yellow, black = compass().convert("CMYK").split()
    stored = [*Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split(), ImageChops.invert(black)]
    content = saved(_inverted(Image.merge("CMYK", stored)), JPEG, quality=90, subsampling=0)
    at = content.index(b"Adobe") + 11
    return content[:at] + b"\x02" + content[at + 1 :]


def _profiles() -> Iterator[Good]:
    p3, adobe, linear = profiles.DISPLAY_P3, profiles.ADOBE_RGB, profiles.LINEAR
    for name, media_type, space in (
        ("JPEG, Display P3", JPEG, p3),
        ("PNG, Display P3", PNG, p3),
        ("AVIF, Display P3", AVIF, p3),
        ("WebP, Adobe RGB", WEBP, adobe),
        ("PNG, linear light", PNG, linear),
    ):
        image = compass({corner: space.of(colour) for corner, colour in CORNERS.items()})
        yield Good(name, media_type, saved(image, media_type, quality=95, icc_profile=space.profile()))
    clear = clear_compass()
    clear.paste(compass({corner: p3.of(colour) for corner, colour in CORNERS.items()}), mask=clear.getchannel("A"))
    yield Good("PNG, Display P3, transparent", PNG, saved(clear, PNG, icc_profile=p3.profile()), clear=True)
    grey = compass({corner: (profiles.grey_of(value, 1.0),) * 3 for corner, (value, _, _) in GREYS.items()}).convert(
        "L"
    )
    for media_type in (JPEG, PNG):
        content = saved(grey, media_type, icc_profile=profiles.grey(1.0), quality=95)
        yield Good(f"{media_type}, grey, linear light", media_type, content, GREYS)
    yield from _inks()
    yield from _useless_profiles()


def _inks() -> Iterator[Good]:
    """Yield a picture of pure inks, that only its profile says the colours of."""
    inks = {corner: tuple(int(place == number) for place in range(4)) for number, corner in enumerate(CORNERS)}
    image = Image.new("CMYK", (WIDTH, HEIGHT))
    for corner, (cyan, magenta, yellow, black) in inks.items():
        left, top = (0 if "west" in corner else WIDTH // 2), (0 if "north" in corner else HEIGHT // 2)
        full = (255 * cyan, 255 * magenta, 255 * yellow, 255 * black)
        image.paste(full, (left, top, left + WIDTH // 2, top + HEIGHT // 2))
    profile = profiles.inks({ink: CORNERS[corner] for corner, ink in inks.items()})  # type: ignore[misc]  # of four
    yield Good("JPEG, CMYK with a profile", JPEG, saved(image, JPEG, quality=95, subsampling=0, icc_profile=profile))


def _useless_profiles() -> Iterator[Good]:
    profile = profiles.DISPLAY_P3.profile()
    for name, useless in {
        "of nonsense": b"nonsense" * 40,
        "cut short": profile[:200],
        "of grey": profiles.grey(1.0),
        "of inks": profiles.inks({}),
        "that contradicts itself": profile.replace(b"curv", b"XYZ "),
    }.items():
        yield Good(f"JPEG, a profile {name}", JPEG, saved(compass(), JPEG, icc_profile=useless))
    inks = compass().convert("CMYK")
    for name, useless in {"of nonsense": b"nonsense" * 40, "of colours": profile}.items():
        content = saved(inks, JPEG, quality=90, subsampling=0, icc_profile=useless)
        yield Good(f"JPEG, CMYK, a profile {name}", JPEG, content)


def _spaces() -> Iterator[Good]:
    """Yield pictures that name their colours by numbers, which may contradict each other."""
    p3, linear = profiles.DISPLAY_P3, profiles.LINEAR
    plain, wide = compass(), compass({corner: p3.of(colour) for corner, colour in CORNERS.items()})
    coded = compass({corner: p3.by_the_curve_of_srgb(colour) for corner, colour in CORNERS.items()})
    light = compass({corner: linear.of(colour) for corner, colour in CORNERS.items()})
    of_p3, of_srgb = (
        _chromaticities(0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
        _chromaticities(0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    )
    icc = chunk(b"iCCP", b"profile\0\0" + zlib.compress(p3.profile()))
    for name, image, chunks in (
        ("cHRM and gAMA of Display P3", wide, of_p3 + _gamma(1 / 2.4)),
        ("cHRM and gAMA of linear light", light, of_srgb + _gamma(1)),
        ("cHRM and gAMA of sRGB", plain, of_srgb + _gamma(0.45455)),
        ("cHRM alone", plain, of_p3),
        ("gAMA alone", plain, _gamma(1)),
        ("cHRM and gAMA of nothing", plain, chunk(b"cHRM", bytes(32)) + _gamma(1)),
        ("gAMA of zero", plain, of_p3 + _gamma(0)),
        ("sRGB before cHRM and gAMA", plain, chunk(b"sRGB", b"\0") + of_p3 + _gamma(1)),
        ("a profile before cHRM and gAMA", wide, icc + of_srgb + _gamma(1)),
        ("cICP of Display P3", coded, chunk(b"cICP", b"\x0c\x0d\0\1")),
        ("cICP of sRGB before a profile", plain, chunk(b"cICP", b"\1\x0d\0\1") + icc),
        ("cICP of high dynamic range, and a profile", wide, chunk(b"cICP", b"\x09\x10\0\1") + icc),
        ("cICP of a narrow range, and a profile", wide, chunk(b"cICP", b"\1\x0d\0\0") + icc),
    ):
        content = saved(image, PNG)
        yield Good(f"PNG, {name}", PNG, content[:33] + chunks + content[33:])
    content = saved(coded, AVIF, quality=95)
    at = content.index(b"nclx") + 4
    yield Good("AVIF, codes of Display P3", AVIF, content[:at] + b"\0\x0c\0\x0d" + content[at + 4 :])


def _chromaticities(*points: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(point * 100_000) for point in (0.3127, 0.329, *points))))


def _gamma(share: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(share * 100_000)))


def _pngs() -> Iterator[Good]:
    yield Good("PNG", PNG, saved(compass(), PNG))
    palette = compass().quantize(8)
    yield Good("PNG, palette", PNG, saved(palette, PNG))
    yield Good("PNG, palette of two bits", PNG, saved(palette, PNG, bits=2))
    yield Good("PNG, palette, one colour transparent", PNG, saved(clear_compass().quantize(8), PNG), clear=True)
    yield Good("PNG, transparent", PNG, saved(clear_compass(), PNG), clear=True)
    rows = _rows(compass())
    yield Good("PNG, 16 bits", PNG, png(rows, depth=16, colour=2))
    yield Good("PNG, interlaced", PNG, png(rows, depth=8, colour=2, interlaced=True))
    yield Good("PNG, 16 bits, transparent", PNG, png(_rows(clear_compass()), depth=16, colour=6), clear=True)


def _greys() -> Iterator[Good]:
    yield Good("PNG, grey", PNG, saved(_grey(), PNG), GREYS)
    yield Good("JPEG, grey", JPEG, saved(_grey(), JPEG), GREYS)
    yield Good("AVIF, grey", AVIF, saved(_grey(), AVIF, quality=90), GREYS)
    for depth in (2, 4, 16):
        greys = {corner: (_quantized(value, depth),) * 3 for corner, (value, _, _) in GREYS.items()}
        yield Good(f"PNG, grey of {depth} bits", PNG, png(_rows(_grey()), depth=depth, colour=0), greys)
    clear = _grey().convert("LA")
    clear.paste((0, 0), (WIDTH // 2, HEIGHT // 2, WIDTH, HEIGHT))
    yield Good("PNG, grey, transparent", PNG, saved(clear, PNG), GREYS, clear=True)
    yield Good("PNG, grey of 16 bits, transparent", PNG, png(_rows(clear), depth=16, colour=4), GREYS, clear=True)
    black = {corner: (255 * (corner == CLEAR),) * 3 for corner in GREYS}
    yield Good("PNG, black and white", PNG, saved(compass(black).convert("1"), PNG), black)


def _keyed() -> Iterator[Good]:
    """Yield pictures one colour of which stands for transparent."""
    for depth in (1, 2, 4, 8, 16):
        greys = {corner: (_quantized(value, depth),) * 3 for corner, (value, _, _) in GREYS.items()}
        darker = greys if depth > 1 else dict.fromkeys(greys, (0, 0, 0)) | {CLEAR: (255, 255, 255)}
        rows = _rows(compass(darker).convert("L"))
        content = png(rows, depth=depth, colour=0, key=struct.pack(">H", 2**depth - 1))
        yield Good(f"PNG, grey of {depth} bits, white transparent", PNG, content, darker, clear=True)
    for depth in (8, 16):
        key = struct.pack(">3H", *(value * (257 if depth == 16 else 1) for value in CORNERS[CLEAR]))
        content = png(_rows(compass()), depth=depth, colour=2, key=key)
        yield Good(f"PNG, {depth} bits, yellow transparent", PNG, content, clear=True)


def _animations() -> Iterator[Good]:
    later = [compass().transpose(Image.Transpose.ROTATE_180), Image.new("RGB", (WIDTH, HEIGHT))]
    for media_type in (GIF, WEBP, PNG, AVIF):
        content = saved(compass(), media_type, save_all=True, append_images=later, duration=50, disposal=2, quality=90)
        yield Good(f"{media_type}, animated", media_type, content)
    frames = [each.convert("RGBA") for each in later]
    for media_type in (GIF, WEBP, PNG):
        animated = saved(clear_compass(), media_type, save_all=True, append_images=frames, duration=50, disposal=2)
        yield Good(f"{media_type}, animated, transparent", media_type, animated, clear=True)


def _others() -> Iterator[Good]:
    yield Good("GIF", GIF, saved(compass(), GIF))
    yield Good("GIF, transparent", GIF, saved(clear_compass(), GIF), clear=True)
    yield Good("WebP", WEBP, saved(compass(), WEBP))
    yield Good("WebP, lossless", WEBP, saved(compass(), WEBP, lossless=True))
    yield Good("WebP, transparent", WEBP, saved(clear_compass(), WEBP), clear=True)
    yield Good("AVIF", AVIF, saved(compass(), AVIF))
    yield Good("AVIF, 10 bits", AVIF, _DEEP_AVIF)
    yield Good("AVIF, transparent", AVIF, saved(clear_compass(), AVIF), clear=True)


def png(
    rows: list[list[tuple[int, ...]]], *, depth: int, colour: int, interlaced: bool = False, key: bytes = b""
) -> bytes:
    """Return a PNG that Pillow itself cannot write, of rows of pixels of 8 bits a channel."""
    height, width = len(rows), len(rows[0])
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    lines = [row[left::across] for left, top, across, down in passes for row in rows[top::down]]
    pixels = zlib.compress(b"".join(b"\0" + _packed(line, depth) for line in lines))
    header = png_header(width, height, depth, colour, 0, 0, int(interlaced))
    transparent = chunk(b"tRNS", key) if key else b""
    return b"\x89PNG\r\n\x1a\n" + header + transparent + chunk(b"IDAT", pixels) + chunk(b"IEND")


def _packed(line: list[tuple[int, ...]], depth: int) -> bytes:
    values = [value * (2**depth - 1) // 255 for pixel in line for value in pixel]
    bits = "".join(f"{value:0{depth}b}" for value in values)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _quantized(value: int, depth: int) -> int:
    """Return what a grey of 8 bits becomes by way of so many bits."""
    most = (1 << depth) - 1
    return value * most // 255 * 255 // most


def _grey() -> Image.Image:
    return compass(GREYS).convert("L")


def _rows(image: Image.Image) -> list[list[tuple[int, ...]]]:
    pixels, step = image.tobytes(), len(image.getbands())
    row = image.width * step
    return [
        [tuple(pixels[at : at + step]) for at in range(start, start + row, step)]
        for start in range(0, len(pixels), row)
    ]
