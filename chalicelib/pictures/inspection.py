"""Looks at untrusted bytes before any decoder does: are they a picture, the one announced, whole, of a sane size?"""

from collections.abc import Callable, Mapping

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, MediaType, Refused
from chalicelib.pictures import foreign
from chalicelib.pictures.formats import gif, isobmff, jpeg, png, svg, webp
from chalicelib.pictures.formats.surveys import MOST_FRAMES, Survey
from chalicelib.pictures.refusals import (
    DAMAGED,
    EMPTY,
    NOT_AN_IMAGE,
    SVG,
    TOO_LARGE,
    TOO_MANY_FRAMES,
    TOO_MANY_PIXELS,
    TYPE_MISMATCH,
    UnacceptableError,
)

_MEGA = 1_000_000
_SURVEYS: Mapping[MediaType, Callable[[bytes], Survey]] = {
    MediaType.JPEG: jpeg.survey,
    MediaType.PNG: png.survey,
    MediaType.WEBP: webp.survey,
    MediaType.GIF: gif.survey,
    MediaType.AVIF: isobmff.survey,
}
MOST_PIXELS: Mapping[MediaType, int] = {
    MediaType.JPEG: jpeg.MOST_PIXELS,
    MediaType.PNG: png.MOST_PIXELS,
    MediaType.WEBP: webp.MOST_PIXELS,
    MediaType.GIF: gif.MOST_PIXELS,
    MediaType.AVIF: isobmff.MOST_PIXELS,
}
"""As many as fit into the memory of one child, measured; of some progressive JPEGs fewer do."""
_OF_CAMERAS = {MediaType.JPEG, MediaType.AVIF}
"""Formats after which telephones append films, second pictures and notes of their makers."""


def inspect(content: bytes, declared: MediaType) -> Refused | None:
    """Return why ``content`` is not decoded, or None when a decoder may have it.

    Whatever the bytes: about a second for 20 MiB at most, and little more memory than they take once again.
    """
    try:
        _examine(content, declared)
    except UnacceptableError as error:
        return error.refused
    return None


def _examine(content: bytes, declared: MediaType) -> None:
    if not content:
        raise EMPTY.error()
    if len(content) > MAX_UPLOAD_BYTES:
        raise TOO_LARGE.error(bytes=len(content), most=MAX_UPLOAD_BYTES)
    found = _media_type(content)
    if found is None:
        raise SVG.error() if svg.is_svg(content) else NOT_AN_IMAGE.error()
    if found is not declared:
        raise TYPE_MISMATCH.error(declared=declared, found=found)
    survey = _SURVEYS[found](content)
    _require_sane_size(survey)
    foreign.examine(content, survey.head, survey.foot, survey.end)
    if found not in _OF_CAMERAS:
        foreign.require_end(content, survey.end)


def _media_type(content: bytes) -> MediaType | None:
    if content.startswith(jpeg.SIGNATURE):
        return MediaType.JPEG
    if content.startswith(png.SIGNATURE):
        return MediaType.PNG
    if content.startswith(gif.SIGNATURES):
        return MediaType.GIF
    if webp.is_webp(content):
        return MediaType.WEBP
    return MediaType.AVIF if isobmff.is_avif(content) else None


def _require_sane_size(survey: Survey) -> None:
    pixels = survey.width * survey.height
    if not pixels:
        raise DAMAGED.error(how="it has no width or no height")
    if pixels > survey.most_pixels:
        raise TOO_MANY_PIXELS.error(
            width=survey.width, height=survey.height, pixels=pixels / _MEGA, most=survey.most_pixels / _MEGA
        )
    if survey.frames > MOST_FRAMES:
        raise TOO_MANY_FRAMES.error(most=MOST_FRAMES)
