"""Which square of a picture is shown."""

from PIL import Image, ImageChops, ImageFilter

from chalicelib.domain.avatars import Crop
from chalicelib.pictures.decoding import Box, reduced

_OVERVIEW = 128
"""Pixels of the longer side at most, enough to find a subject."""
_SKIN_CB, _SKIN_CR = range(77, 128), range(133, 174)
"""Skin of every complexion differs in brightness and little in hue (Chai and Ngan, 1999)."""
_BIAS = 16
"""Detail that even plain surfaces are taken to have, so that they count where their colour stands out."""
_COLOUR_WEIGHT = 4


def square(image: Image.Image, crop: Crop) -> Box:
    """Return the largest square: in the middle or, if smart, where most is to be seen.

    Smart: on a small overview, detail counts, more so in strong colours, and most in colours of skin, as in smartcrop
    and in libvips' ``attention``, and near the middle of a square more than at its edges. The square is never a smaller
    one: it only moves along the longer side, whichever way up the picture is stored.
    """
    width, height = image.size
    side, spare = min(width, height), abs(width - height)
    start = _start(image, side, spare) if crop is Crop.SMART and spare else spare // 2
    return (start, 0, start + side, side) if width > height else (0, start, side, start + side)


def _start(image: Image.Image, side: int, spare: int) -> int:
    factor = -(-(side + spare) // _OVERVIEW)
    interest = _interest(reduced(image, (0, 0, *image.size), factor))
    window = max(side // factor, 1)
    last = len(interest) - window
    best = max(range(last + 1), key=lambda start: (_seen(interest[start : start + window]), -abs(2 * start - last)))
    return best * spare // last


def _seen(interest: list[int]) -> int:
    """Return what is seen in a square, least at its edges."""
    return sum(each * (place + 1) * (len(interest) - place) for place, each in enumerate(interest))


def _interest(overview: Image.Image) -> list[int]:
    """Return how much there is to see in each column, or row, along the longer side."""
    colours = overview.convert("RGB")
    grey = colours.convert("L")
    detail = ImageChops.difference(grey, grey.filter(ImageFilter.BoxBlur(1)))
    standing_out = ImageChops.multiply(
        _colourful(colours), detail.point([min(each + _BIAS, 255) for each in range(256)])
    )
    if overview.has_transparency_data:
        alpha = overview.getchannel("A")
        detail, standing_out = ImageChops.multiply(detail, alpha), ImageChops.multiply(standing_out, alpha)
    pairs = zip(_lines(detail), _lines(standing_out), strict=True)
    return [plain + _COLOUR_WEIGHT * coloured for plain, coloured in pairs]


def _colourful(colours: Image.Image) -> Image.Image:
    """Return how strong each colour is, and full where it is a colour of skin."""
    _, saturation, value = colours.convert("HSV").split()
    _, cb, cr = colours.convert("YCbCr").split()
    skin = ImageChops.multiply(_within(cb, _SKIN_CB), _within(cr, _SKIN_CR))
    return ImageChops.lighter(ImageChops.multiply(saturation, value), skin)


def _within(channel: Image.Image, values: range) -> Image.Image:
    return channel.point([255 if each in values else 0 for each in range(256)])


def _lines(grey: Image.Image) -> list[int]:
    """Return the sum of each column or, if it is higher than wide, each row."""
    pixels, width = grey.tobytes(), grey.width
    if width >= grey.height:
        return [sum(pixels[column::width]) for column in range(width)]
    return [sum(pixels[row * width : (row + 1) * width]) for row in range(grey.height)]
