"""Colours as a profile in the picture means them, made those of sRGB."""

from functools import cache
from io import BytesIO

from PIL import Image, ImageCms


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return it as RGB or RGBA. Without a profile, or with one that is broken or of another kind, plainly converted.

    Args:
        image: L, LA, RGB, RGBA or CMYK.
        profile: As embedded by ICC's rules.
    """
    alpha = image.getchannel("A") if image.has_transparency_data else None
    colours = image.convert(image.mode.removesuffix("A")) if alpha else image
    converted = (_managed(colours, profile) if profile else None) or colours.convert("RGB")
    return _seen(converted, alpha) if alpha else converted


def _managed(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(
            image,
            source,
            _srgb(),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _seen(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return the colours that can be seen: what was made transparent, others would still find in the file."""
    return Image.merge("RGBA", (*colours.split(), alpha)).convert("RGBa").convert("RGBA")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
