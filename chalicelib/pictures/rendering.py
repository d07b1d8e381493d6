"""What is made of a picture: the files of an avatar."""

import warnings
from collections.abc import Iterator

from PIL import Image

from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType, Rendition
from chalicelib.pictures.colours import in_srgb
from chalicelib.pictures.cropping import square
from chalicelib.pictures.decoding import decoded, reduced, turn
from chalicelib.pictures.encoding import encoded
from chalicelib.pictures.formats.jpeg import LEAST_SIDE
from chalicelib.pictures.spaces import profile

_LARGEST = max(SIZES)


def renditions(content: bytes, media_type: MediaType, crop: Crop) -> list[Rendition]:
    """Return every file of an avatar: square, upright, in sRGB, without metadata; the same for the same content.

    Pictures that are smaller than a size are enlarged to it.

    Args:
        content: Of a picture that was inspected: how large it is, is not looked at here.

    Raises:
        OSError: It cannot be read (``PIL.UnidentifiedImageError``), ends too early, or is broken.
        SyntaxError, ValueError, EOFError, LookupError, struct.error: It is broken; Pillow is not of one mind.
        PIL.Image.DecompressionBombError: It has more pixels than Pillow itself lets pass.
        MemoryError: There is not enough for it.
    """
    with warnings.catch_warnings(action="ignore"):  # of broken metadata, which nobody will see
        picture = _upright_square(content, media_type, crop)
    return [rendition for size in SIZES for rendition in _of_size(picture, size)]


def _upright_square(content: bytes, media_type: MediaType, crop: Crop) -> Image.Image:
    """Return what all sizes are made of: of the largest size, or of as many pixels as the picture has."""
    with decoded(content, media_type, least=LEAST_SIDE) as image:
        box = square(image, crop)
        side = box[2] - box[0]
        picture = reduced(image, box, factor=max(side // LEAST_SIDE, 1))
        turned, colours = turn(image), profile(content, media_type, image.info)
    picture = _resized(picture, min(side, _LARGEST))
    return in_srgb(picture if turned is None else picture.transpose(turned), colours)


def _of_size(picture: Image.Image, size: int) -> Iterator[Rendition]:
    resized = _resized(picture, size)
    for form in Form:
        yield Rendition(size, form, encoded(resized, form))


def _resized(picture: Image.Image, size: int) -> Image.Image:
    """Return it in so many pixels a side. Pillow weighs pixels by how opaque they are."""
    if picture.width == size:
        return picture
    method = Image.Resampling.LANCZOS if picture.width > size else Image.Resampling.BICUBIC
    return picture.resize((size, size), method)
