"""Whatever a picture is stored as, its avatar shows it upright, square, in sRGB, and nothing else of it."""

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFile

from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType
from chalicelib.pictures.formats import gif
from chalicelib.pictures.inspection import inspect
from chalicelib.pictures.rendering import renditions
from tests.pictures import corpus
from tests.pictures.anatomy import chunk, png, png_header, segment
from tests.pictures.corpus import CLEAR, Good, saved

WHITE = (255, 255, 255, 255)
RED = (200, 30, 30)
PLACE = b"51 degrees north"
JPEG, PNG, WEBP, GIF, AVIF = MediaType

Pixel = tuple[int, ...]
Avatar = Mapping[tuple[int, Form], ImageFile.ImageFile]


def avatar(content: bytes, media_type: MediaType, crop: Crop = Crop.CENTRE) -> Avatar:
    return {(each.size, each.form): Image.open(BytesIO(each.content)) for each in renditions(content, media_type, crop)}


def pixel(picture: Image.Image, x: int, y: int) -> Pixel:
    value = picture.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def far(shown: Pixel, expected: Pixel, tolerance: int) -> bool:
    return max(abs(a - b) for a, b in zip(shown, expected, strict=True)) > tolerance


def middle(corner: str, size: int) -> tuple[int, int]:
    return size // 4 * (1 if "west" in corner else 3), size // 4 * (1 if "north" in corner else 3)


def wrong(picture: Image.Image, good: Good) -> dict[str, Pixel]:
    """Return the corners that do not show what they should, with what they show."""
    pixels = picture.convert("RGBA").convert("RGBa")  # what is transparent has no colour
    shown = {corner: pixel(pixels, *middle(corner, picture.width)) for corner in good.corners}
    expected = {corner: (*colour, 255) for corner, colour in good.corners.items()}
    if good.clear:
        expected[CLEAR] = WHITE if picture.format == "JPEG" else (0, 0, 0, 0)
    return {corner: shown[corner] for corner in shown if far(shown[corner], expected[corner], good.tolerance)}


@pytest.mark.parametrize("good", corpus.pictures(), ids=lambda good: good.name)
def test_every_picture_is_shown_upright_in_srgb_without_metadata(good: Good) -> None:
    assert inspect(good.content, good.media_type) is None

    files = avatar(good.content, good.media_type)

    assert set(files) == {(size, form) for size in SIZES for form in Form}
    for (size, form), picture in files.items():
        assert (picture.size, picture.get_format_mimetype()) == ((size, size), form.media_type)
        assert not {"icc_profile", "exif", "xmp", "comment", "dpi"} & set(picture.info)
        assert not wrong(picture, good)


@pytest.mark.parametrize(
    "good", [each for each in corpus.pictures() if each.name in {"JPEG", "AVIF", "GIF, transparent"}]
)
def test_the_same_picture_makes_the_same_files(good: Good) -> None:
    first, second = (renditions(good.content, good.media_type, Crop.SMART) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("media_type", [JPEG, PNG, WEBP, AVIF])
def test_nothing_of_the_metadata_is_published(media_type: MediaType) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[29] = PLACE.decode()
    options = {"comment": PLACE} if media_type is JPEG else {}
    content = saved(corpus.compass(), media_type, exif=exif.tobytes(), xmp=PLACE, **options)
    content = content[:2] + segment(0xED, PLACE) + content[2:] if media_type is JPEG else content
    assert PLACE in content

    assert not any(PLACE in each.content for each in renditions(content, media_type, Crop.CENTRE))


def test_what_was_made_transparent_cannot_be_found_in_the_files() -> None:
    image = corpus.compass(width=64, height=64).convert("RGBA")
    image.paste((*RED, 0), (0, 0, 64, 64))

    shown = avatar(saved(image, PNG), PNG)

    for size in SIZES:
        assert shown[size, Form.WEBP].convert("RGBA").getextrema() == ((0, 0), (0, 0), (0, 0), (0, 0))
        assert shown[size, Form.JPEG].convert("RGBA").getextrema() == ((255, 255),) * 4


@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
def test_the_colour_of_transparent_pixels_makes_no_fringes(hidden: tuple[int, int, int]) -> None:
    image = Image.new("RGBA", (900, 900), (*hidden, 0))
    ImageDraw.Draw(image).ellipse((100, 100, 800, 800), fill=(*RED, 255))

    shown = avatar(saved(image, PNG), PNG)

    red = Image.new("RGB", (512, 512), RED)
    on_white = Image.composite(
        red, Image.new("RGB", red.size, "white"), shown[512, Form.WEBP].convert("RGBA").getchannel("A")
    )
    assert _differing(shown[512, Form.JPEG].convert("RGB"), on_white) < 40
    pixels = shown[512, Form.WEBP].convert("RGBA")
    seen = [pixel(pixels, x, 256) for x in range(512)]
    assert any(0 < alpha < 255 for *_, alpha in seen)
    assert not [each for each in seen if each[3] > 16 and far(each[:3], RED, 24)]


def _differing(image: Image.Image, other: Image.Image) -> int:
    """Return by how much any pixel differs, smoothed over what JPEG does to edges."""
    small, smaller = (each.resize((128, 128), Image.Resampling.BOX) for each in (image, other))
    return max(abs(a - b) for a, b in zip(small.tobytes(), smaller.tobytes(), strict=True))


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (2, 3), (63, 65)])
@pytest.mark.parametrize("crop", Crop)
def test_sizes_are_exact_however_small_or_narrow_the_picture(size: tuple[int, int], crop: Crop) -> None:
    files = avatar(saved(Image.new("RGB", size, RED), PNG), PNG, crop)

    for (side, _), picture in files.items():
        assert picture.size == (side, side)
        assert not far(pixel(picture.convert("RGB"), side // 2, side // 2), RED, 6)


@pytest.mark.parametrize("media_type", [JPEG, PNG])
def test_a_large_picture_is_as_good_as_one_made_slowly(media_type: MediaType) -> None:
    """The oracle resizes all pixels to each size by one good method, without any of the shortcuts taken."""
    image = Image.radial_gradient("L").resize((2304, 2048)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for step in range(0, 2304, 96):
        draw.line((step, 0, 2304 - step, 2048), fill=(step % 256, 120, 255 - step % 256), width=9)
    content = saved(image, media_type, quality=95)

    shown = avatar(content, media_type)

    with Image.open(BytesIO(content)) as stored:
        square = stored.convert("RGB").crop((128, 0, 2176, 2048))
    for size in SIZES:
        slowly = Image.open(BytesIO(saved(square.resize((size, size), Image.Resampling.LANCZOS), JPEG, quality=80)))
        pairs = zip(shown[size, Form.JPEG].tobytes(), slowly.tobytes(), strict=True)
        assert sum(abs(a - b) for a, b in pairs) / (3 * size * size) < 2


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_smart_crop_keeps_a_subject_off_centre(orientation: int) -> None:
    image = Image.linear_gradient("L").resize((900, 300)).convert("RGB")
    ImageDraw.Draw(image).ellipse((660, 60, 840, 240), fill=(224, 172, 140), outline=(90, 60, 40), width=12)
    stored = (
        image
        if orientation == 1
        else image.transpose({6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}[orientation])
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(stored, JPEG, quality=95, exif=exif.tobytes())

    smart, centre = (avatar(content, JPEG, crop)[256, Form.JPEG].convert("RGB") for crop in (Crop.SMART, Crop.CENTRE))

    assert not far(pixel(smart, 128, 128), (224, 172, 140), 30)
    assert not [x for x in (80, 180) if far(pixel(smart, x, 128), (224, 172, 140), 60)]
    assert far(pixel(centre, 128, 128), (224, 172, 140), 30)


@pytest.mark.parametrize(
    ("colour", "why"),
    [((128, 128, 128), "detail"), ((220, 20, 20), "strong colour"), ((190, 140, 110), "skin")],
)
def test_smart_crop_looks_for_detail_and_colour_and_skin(colour: tuple[int, int, int], why: str) -> None:
    image = Image.new("RGB", (240, 720), (150, 155, 150))
    draw = ImageDraw.Draw(image)
    if why == "detail":
        for step in range(500, 640, 8):
            draw.line((60, step, 180, 1140 - step), fill=colour, width=2)
    else:
        draw.rectangle((80, 100, 160, 200), fill=(60, 60, 60))
        draw.rectangle((80, 520, 160, 620), fill=colour)

    shown = avatar(saved(image, PNG), PNG, Crop.SMART)[256, Form.WEBP].convert("RGB")

    assert [y for y in range(100, 160) if far(pixel(shown, 128, y), (150, 155, 150), 12)]
    assert not [y for y in range(256) if not far(pixel(shown, 128, y), (60, 60, 60), 30)]


def test_smart_crop_of_a_plain_picture_is_its_centre() -> None:
    content = saved(Image.new("RGB", (300, 200), RED), PNG)

    assert renditions(content, PNG, Crop.SMART) == renditions(content, PNG, Crop.CENTRE)


def test_smart_crop_sees_nothing_in_what_is_transparent() -> None:
    image = Image.new("RGB", (120, 40), (0, 0, 0))
    image.paste(Image.effect_noise((30, 40), 90).convert("RGB"), (0, 0))
    image.putalpha(0)
    image.paste((60, 60, 90, 255), (96, 12, 112, 28))

    shown = avatar(saved(image, PNG), PNG, Crop.SMART)[64, Form.WEBP].convert("RGBA")

    assert pixel(shown, 32 + 8, 32)[3] == 255


OPAQUE_SPRITE = (16, 8, 48, 40)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("media_type", [GIF, WEBP])
def test_what_a_first_frame_does_not_cover_is_transparent(media_type: MediaType, form: Form) -> None:
    content = _sprite_in_a_gif() if media_type is GIF else _sprite_in_a_webp()
    with Image.open(BytesIO(content)) as stored:
        assert not stored.has_transparency_data, "the file says nothing of it"

    shown = avatar(content, media_type)[64, form].convert("RGBA")

    clear = WHITE if form is Form.JPEG else (0, 0, 0, 0)
    assert not [at for at in ((4, 24), (59, 24), (32, 2), (32, 56)) if far(pixel(shown, *at), clear, 4)]
    assert not far(pixel(shown, 32, 24), (*RED, 255), 12)


def test_a_grey_first_frame_is_not_coloured_by_the_palette_of_others() -> None:
    content = saved(Image.linear_gradient("L"), GIF)
    head, greys = gif.survey(content).head, content[13 : 13 + 768]
    others = content[:13] + bytes(RED) * 256 + content[13 + 768 : head + 9]

    brings_greys = bytes([content[head + 9] | 0x87])

    shown = avatar(others + brings_greys + greys + content[head + 10 :], GIF)[64, Form.WEBP].convert("RGB")

    assert [pixel(shown, 32, y)[0] // 16 for y in (2, 32, 61)] == [0, 8, 15]


def _sprite_in_a_gif() -> bytes:
    """Return the red middle of a screen of 64 by 64, whose palette begins with another colour."""
    sprite = Image.new("P", (32, 32), 1)
    sprite.putpalette((0, 0, 255, *RED))
    content = bytearray(saved(sprite, GIF))
    struct.pack_into("<HH", content, 6, 64, 64)
    struct.pack_into("<HH", content, gif.survey(bytes(content)).head + 1, *OPAQUE_SPRITE[:2])
    return bytes(content)


def _sprite_in_a_webp() -> bytes:
    """Return an animation whose encoder leaves out what is transparent around every frame."""
    first, then = (Image.new("RGBA", (64, 64)) for _ in range(2))
    first.paste((*RED, 255), OPAQUE_SPRITE)
    then.paste((0, 0, 255, 255), OPAQUE_SPRITE)
    return saved(first, WEBP, save_all=True, append_images=[then])


def test_a_colour_of_16_bits_may_stand_for_transparent() -> None:
    """Both of its bytes count, though only the first is left of each pixel."""
    colour = struct.pack(">3H", 0x1234, 0x5678, 0x9ABC)
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + 8 * colour) * 8))

    shown = avatar(png(chunk(b"tRNS", colour), header=png_header(8, 8, 16), pixels=pixels), PNG)

    assert shown[64, Form.WEBP].convert("RGBA").getchannel("A").getextrema() == (0, 0)
