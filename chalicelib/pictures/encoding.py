"""Files of finished pictures."""

from io import BytesIO

from PIL import Image

from chalicelib.domain.avatars import Form

QUALITY = 80
_WHITE = (255, 255, 255, 255)


def encoded(picture: Image.Image, form: Form) -> bytes:
    """Return the file of a picture in RGB or RGBA, of its pixels alone. JPEG shows what is transparent as white."""
    file = BytesIO()
    if form is Form.WEBP:
        picture.save(file, "WEBP", quality=QUALITY)
    else:
        _on_white(picture).save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGBA", picture.size, _WHITE)
    white.alpha_composite(picture)
    return white.convert("RGB")
