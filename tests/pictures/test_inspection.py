"""Whatever the bytes, inspection knows what to say."""

import re
import time

import pytest
from PIL import Image

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, Crop, MediaType
from chalicelib.pictures import refusals
from chalicelib.pictures.inspection import inspect
from chalicelib.pictures.refusals import GROUNDS, Ground
from chalicelib.pictures.renderer import Renderer
from tests.pictures import hostile
from tests.pictures.anatomy import animation, box, chunk, gif, jpeg, jpeg_header, picture, png, saved
from tests.pictures.corpus import Good, pictures
from tests.pictures.hostile import Hostile

OF_DECODING = {refusals.TOO_COMPLEX, refusals.UNREADABLE}
SECONDS = 5
"""Of a processor, five times what the slowest took."""
FILES = hostile.files()


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_a_hostile_file_is_refused_on_its_own_ground(file: Hostile) -> None:
    refused = inspect(file.content, file.declared)

    assert refused is not None
    assert (refused.reason, bool(_of(file.ground).fullmatch(refused.message))) == (file.ground.reason, True), refused


def test_every_ground_has_a_file() -> None:
    assert {file.ground for file in FILES} == set(GROUNDS) - OF_DECODING


def _of(ground: Ground) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]*\\}", ".+", re.escape(ground.message)))


@pytest.mark.parametrize("media_type", MediaType)
def test_a_picture_is_taken(media_type: MediaType) -> None:
    assert inspect(picture(media_type), media_type) is None


@pytest.mark.parametrize("good", pictures(), ids=lambda good: good.name)
def test_every_kind_of_picture_that_can_be_rendered_is_taken(good: Good) -> None:
    assert inspect(good.content, good.media_type) is None


@pytest.mark.parametrize("media_type", [MediaType.GIF, MediaType.PNG, MediaType.WEBP, MediaType.AVIF])
def test_an_animation_is_taken_for_its_first_frame(media_type: MediaType) -> None:
    assert inspect(animation(media_type), media_type) is None


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("L", {}),
        ("CMYK", {}),
        ("RGB", {"progressive": True}),
        ("RGB", {"restart_marker_blocks": 1}),
        ("RGB", {"subsampling": 0}),
    ],
)
def test_every_ordinary_jpeg_is_taken(mode: str, options: dict[str, int]) -> None:
    assert inspect(picture(MediaType.JPEG, mode, **options), MediaType.JPEG) is None


FILM = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", b"film") + box(b"mdat", b"<script>")


APPENDED = {
    "a second picture": picture(MediaType.JPEG),
    "a gain map after padding": b"\0" * 64 + picture(MediaType.JPEG, "L"),
    "the film of a motion photo": FILM,
    "a picture and a film": picture(MediaType.JPEG) + b"\0" * 9 + FILM,
    "a maker's notes, with a film": b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + FILM.replace(b"<", b"_") + b"SEFT",
    "a maker's notes": b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1467023405SEFHx\0\0\0SEFT",
}


@pytest.mark.parametrize("what", APPENDED)
@pytest.mark.parametrize("media_type", [MediaType.JPEG, MediaType.AVIF])
def test_what_telephones_append_is_taken(media_type: MediaType, what: str) -> None:
    assert inspect(picture(media_type) + APPENDED[what], media_type) is None


LARGEST = MAX_UPLOAD_BYTES - 1000
LONGEST = {
    "JPEG of nothing but markers": (MediaType.JPEG, b"\xff\xd8", b"\xff\xd0"),
    "JPEG of pixels that look like markers": (MediaType.JPEG, picture(MediaType.JPEG)[:-2], b"\xff\x00"),
    "JPEG after which pages seem to begin": (MediaType.JPEG, picture(MediaType.JPEG), b"<"),
    "JPEG after which archives seem to end": (MediaType.JPEG, picture(MediaType.JPEG), b"PK\5\6"),
    "JPEG after which come others": (MediaType.JPEG, picture(MediaType.JPEG), picture(MediaType.JPEG)),
    "PNG of empty chunks": (MediaType.PNG, png()[:33], chunk(b"IDAT")),
    "GIF of empty blocks": (MediaType.GIF, gif()[:-1], b"\x21\xfe\0"),
    "GIF of small pieces": (MediaType.GIF, gif()[:-1] + b"\x21\xfe", b"\1a"),
    "AVIF of empty boxes": (MediaType.AVIF, picture(MediaType.AVIF), box(b"free", b"")),
    "text of declarations": (MediaType.PNG, b"", b"<!>"),
}


@pytest.mark.parametrize("name", LONGEST)
def test_no_file_takes_long(name: str) -> None:
    media_type, start, again = LONGEST[name]
    content = start + again * ((LARGEST - len(start)) // len(again))

    began = time.process_time()
    inspect(content, media_type)

    assert time.process_time() - began < SECONDS


def test_padding_after_a_picture_is_no_second_file() -> None:
    assert inspect(picture(MediaType.PNG) + b"\0" * 100 + b"\r\n", MediaType.PNG) is None


def test_forty_eight_megapixels_are_taken_however_they_are_coded() -> None:
    progressive = jpeg(jpeg_header(8000, 6000, marker=0xC2, channels=(0x11, 0x11, 0x11)), scans=10)
    baseline = jpeg(jpeg_header(8000, 6000))

    assert [inspect(each, MediaType.JPEG) for each in (baseline, progressive)] == [None, None]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "options"), [((2047, 34_000), {}), ((1000, 44_500), {"progressive": True})])
def test_a_narrow_jpeg_that_is_taken_fits_into_a_child_s_memory(
    size: tuple[int, int], options: dict[str, bool]
) -> None:
    content = saved(MediaType.JPEG, Image.new("RGB", size, "teal"), **options).ljust(MAX_UPLOAD_BYTES, b"\0")

    assert isinstance(Renderer().render(content, MediaType.JPEG, Crop.SMART), list)
