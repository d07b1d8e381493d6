"""Pictures as their formats keep them, read into few enough pixels."""

import struct
from io import BytesIO

from PIL import AvifImagePlugin, ExifTags, Image, ImageChops, ImageFile, WebPImagePlugin

from chalicelib.domain.avatars import MediaType
from chalicelib.pictures.formats import webp

Box = tuple[int, int, int, int]
"""Left, top, and the first beyond on the right and below."""

_FORMATS = {
    MediaType.JPEG: "JPEG",
    MediaType.PNG: "PNG",
    MediaType.WEBP: WebPImagePlugin.WebPImageFile.format,
    MediaType.GIF: "GIF",
    MediaType.AVIF: AvifImagePlugin.AvifImageFile.format,
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
"""Each thread takes memory of its own, and a function of 512 MB has less than a processor."""
_BROKEN_EXIF = (SyntaxError, ValueError, TypeError, LookupError, struct.error, OSError)
_STRIP_PIXELS = 1 << 20
_BYTE = 255
_GREY_STEPS = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies grey of so few bits by, but not the grey that stands for transparent."""


def decoded(content: bytes, media_type: MediaType, least: int) -> ImageFile.ImageFile:
    """Return the first frame. A JPEG may come in fewer pixels, its smaller side no less than ``least``."""
    image = Image.open(BytesIO(content), formats=[_FORMATS[media_type]])
    image.draft(None, (least, least))
    transparent, covered = _transparent(image), _covered(image, content, media_type)
    if media_type is MediaType.GIF and image.mode == "L":
        image.palette = None  # of other frames: Pillow would colour this one by it, which has greys alone
    image.load()
    if transparent is not None:
        image.info["transparency"] = transparent
    elif covered != (0, 0, *image.size):
        _clear_around(image, covered)
    return image


def turn(image: Image.Image) -> Image.Transpose | None:
    """Return what makes it upright, by EXIF alone: what an AVIF's boxes say of it, Pillow tells as EXIF."""
    for xmp in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(xmp, None)
    try:
        stored = image.getexif().get(ExifTags.Base.Orientation)
    except _BROKEN_EXIF:
        return None
    return _TURNS.get(stored) if isinstance(stored, int) else None


def reduced(image: Image.Image, box: Box, factor: int) -> Image.Image:
    """Return a part of it, in a mode that can be resized, each pixel the mean of ``factor`` by ``factor``.

    Strip by strip: large pictures are not held a second time, in a mode of more bytes.
    """
    left, top, right, bottom = box
    rows = max(_STRIP_PIXELS // (right - left) // factor, 1) * factor
    strips = [
        _resizable(image.crop((left, start, right, min(start + rows, bottom)))).reduce(factor)
        for start in range(top, bottom, rows)
    ]
    whole = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    for place, strip in enumerate(strips):
        whole.paste(strip, (0, place * rows // factor))
    return whole


def _covered(image: ImageFile.ImageFile, content: bytes, media_type: MediaType) -> Box:
    """Return where the first frame lies, which Pillow has by itself on black or on a colour of its palette."""
    frame = None
    if media_type is MediaType.GIF:
        frame = image.tile[0].extents
    elif media_type is MediaType.WEBP and image.mode == "RGB":
        frame = webp.first_frame(content)
    return frame or (0, 0, *image.size)


def _clear_around(image: Image.Image, covered: Box) -> None:
    """Make everything else transparent, in place."""
    left, top, right, bottom = covered
    width, height = image.size
    image.putalpha(255)
    for bare in (0, 0, width, top), (0, bottom, width, height), (0, top, left, bottom), (right, top, width, bottom):
        image.paste((0,) * len(image.getbands()), bare)


def _transparent(image: ImageFile.ImageFile) -> int | tuple[int, ...] | bytes | None:
    """Return the colour that stands for transparent in terms of pixels as Pillow reads them."""
    colour: int | tuple[int, ...] | bytes | None = image.info.get("transparency")
    if isinstance(colour, tuple) and max(colour) > _BYTE:
        return tuple(each >> 8 for each in colour)
    if isinstance(colour, int) and image.tile:
        return colour * _GREY_STEPS.get(str(image.tile[0].args), 1)
    return colour


def _resizable(image: Image.Image) -> Image.Image:
    """Return it as L, LA, RGB, RGBA or CMYK of 8 bits."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I"):
        return _of_eight_bits(image, transparent)
    if image.mode in ("1", "L"):
        return image.convert("L" if transparent is None else "LA")
    if image.mode == "CMYK" and "adobe" not in image.info:
        return ImageChops.invert(image)  # Pillow takes all inks for Adobe's, who counts what they leave white
    if image.mode in ("LA", "RGBA", "CMYK") or (image.mode == "RGB" and transparent is None):
        return image
    opaque = transparent is None and image.mode in ("P", "RGBX")
    return image.convert("RGB" if opaque else "RGBA")


def _of_eight_bits(image: Image.Image, transparent: int | None) -> Image.Image:
    """Return grey of 16 bits as L, or LA if one grey stands for transparent."""
    wide = image.convert("I")
    grey = wide.point([(each * 255 + 32767) // 65535 for each in range(65536)], "L")
    if transparent is not None:
        grey.putalpha(wide.point([0 if each == transparent else 255 for each in range(65536)], "L"))
    return grey
