"""Faces of the players: cartoons, drawn from nothing but a name. The same name gives the same face."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIDE = 480
GROUNDS = ("#ffd166", "#06d6a0", "#118ab2", "#ef476f", "#8e7dbe", "#f78c6b", "#83c5be", "#b8de6f")
SHARE_OF_GROUNDS = 0.7
SKINS = ("#ffe0c4", "#f5c79c", "#e0a370", "#b9784a", "#98613e", "#754a31")
HAIRS = ("#1f1a17", "#4a2c1a", "#8d5524", "#c9822b", "#e8c468", "#b33a2b", "#5b5f97", "#eeeeee")
INK, WHITE, RED, PINK, GOLD = "#22181c", "#ffffff", "#b3202c", "#f2777a", "#ffc933"
# In the order of players: what people have is of any kind.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")


@dataclass(frozen=True, slots=True)
class Face:
    ground: str | None
    """Without one, it is cut out."""
    skin: str
    hair: str
    hairdo: Callable[["Sheet", "Face"], None]
    eyes: Callable[["Sheet", "Face"], None]
    mouth: Callable[["Sheet", "Face"], None]
    extra: Callable[["Sheet", "Face"], None]


class Sheet:
    """A square to draw on, in hundredths of its side. Everything round is drawn around (x, y)."""

    def __init__(self, ground: str | None) -> None:
        self.image = Image.new("RGBA", (SIDE, SIDE), ground or (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def disc(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self._draw.ellipse(_box(x, y, width, height), fill=colour)

    def cap(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw the upper half of a disc."""
        self._draw.chord(_box(x, y, width, height), 180, 360, fill=colour)

    def bowl(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw the lower half of a disc."""
        self._draw.chord(_box(x, y, width, height), 0, 180, fill=colour)

    def arch(self, x: float, y: float, width: float, height: float) -> None:
        self._draw.arc(_box(x, y, width, height), 200, 340, fill=INK, width=SIDE // 22)

    def smile(self, x: float, y: float, width: float, height: float) -> None:
        self._draw.arc(_box(x, y, width, height), 20, 160, fill=INK, width=SIDE // 22)

    def ring(self, x: float, y: float, size: float) -> None:
        self._draw.ellipse(_box(x, y, size, size), outline=INK, width=SIDE // 50)

    def shape(self, colour: str, *points: float) -> None:
        self._draw.polygon(_scaled(*points), fill=colour)


def face(name: str, *, champion: bool = False) -> Face:
    """Return the face of a player, with a crown for a champion."""
    chance = random.Random(name)  # noqa: S311  (a face is no secret)
    return Face(
        ground=chance.choice(GROUNDS) if chance.random() < SHARE_OF_GROUNDS else None,
        skin=chance.choice(SKINS),
        hair=chance.choice(HAIRS),
        hairdo=chance.choice((_short, _long, _curls, _spikes, _bun)),
        eyes=chance.choice((_dots, _wide, _wink, _laughing)),
        mouth=chance.choice((_smile, _grin, _tongue, _o)),
        extra=_crown if champion else chance.choice((_nothing, _nothing, _glasses, _freckles, _beard)),
    )


def drawn(face: Face) -> Image.Image:
    """Return a picture with an alpha channel."""
    sheet = Sheet(face.ground)
    if face.hairdo is _long:
        sheet.disc(50, 50, 80, 74, face.hair)
    for x in (19, 81):
        sheet.disc(x, 54, 14, 18, face.skin)
    sheet.disc(50, 54, 62, 70, face.skin)
    for draw in (face.hairdo, face.eyes, face.mouth, face.extra):
        draw(sheet, face)
    return sheet.image


def encoded(picture: Image.Image, kind: str) -> bytes:
    """Return the picture as a file of one of ``FORMATS``; those that know no transparency get a white ground."""
    content = io.BytesIO()
    if kind == "JPEG":
        ground = Image.new("RGBA", picture.size, WHITE)
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    picture.save(content, kind)
    return content.getvalue()


def _box(x: float, y: float, width: float, height: float) -> list[float]:
    return _scaled(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _scaled(*hundredths: float) -> list[float]:
    return [each * SIDE / 100 for each in hundredths]


def _short(sheet: Sheet, face: Face) -> None:
    sheet.cap(50, 40, 64, 48, face.hair)


def _long(sheet: Sheet, face: Face) -> None:
    sheet.cap(50, 38, 66, 46, face.hair)


def _curls(sheet: Sheet, face: Face) -> None:
    for x, y in ((24, 36), (33, 25), (44, 20), (56, 20), (67, 25), (76, 36)):
        sheet.disc(x, y, 20, 20, face.hair)


def _spikes(sheet: Sheet, face: Face) -> None:
    for x in (24, 36, 48, 60):
        sheet.shape(face.hair, x - 4, 38, x + 8, 7, x + 20, 38)
    sheet.cap(50, 38, 62, 34, face.hair)


def _bun(sheet: Sheet, face: Face) -> None:
    sheet.disc(50, 14, 26, 22, face.hair)
    sheet.cap(50, 40, 64, 46, face.hair)


def _dots(sheet: Sheet, _face: Face) -> None:
    for x in (38, 62):
        sheet.disc(x, 52, 9, 11, INK)
        sheet.disc(x + 1.5, 50, 3, 3, WHITE)


def _wide(sheet: Sheet, _face: Face) -> None:
    for x in (37, 63):
        sheet.disc(x, 52, 18, 19, WHITE)
        sheet.disc(x + 1, 53, 9, 10, INK)


def _wink(sheet: Sheet, _face: Face) -> None:
    sheet.disc(38, 52, 10, 12, INK)
    sheet.arch(62, 55, 15, 12)


def _laughing(sheet: Sheet, _face: Face) -> None:
    for x in (37, 63):
        sheet.arch(x, 55, 16, 14)


def _smile(sheet: Sheet, _face: Face) -> None:
    sheet.smile(50, 66, 30, 22)


def _grin(sheet: Sheet, _face: Face) -> None:
    sheet.bowl(50, 68, 32, 26, INK)
    sheet.bowl(50, 68, 26, 8, WHITE)


def _tongue(sheet: Sheet, _face: Face) -> None:
    sheet.bowl(50, 68, 28, 24, INK)
    sheet.disc(50, 76, 13, 12, PINK)


def _o(sheet: Sheet, _face: Face) -> None:
    sheet.disc(50, 73, 13, 14, RED)


def _nothing(_sheet: Sheet, _face: Face) -> None:
    pass


def _glasses(sheet: Sheet, _face: Face) -> None:
    for x in (37, 63):
        sheet.ring(x, 52, 24)
    sheet.shape(INK, 48, 50, 52, 50, 52, 52, 48, 52)


def _freckles(sheet: Sheet, _face: Face) -> None:
    for x in (29, 34, 66, 71):
        sheet.disc(x, 64 + x % 2, 3, 3, RED)


def _beard(sheet: Sheet, face: Face) -> None:
    sheet.bowl(50, 66, 57, 48, face.hair)
    face.mouth(sheet, face)


def _crown(sheet: Sheet, _face: Face) -> None:
    sheet.shape(GOLD, 26, 30, 22, 5, 37, 18, 50, 2, 63, 18, 78, 5, 74, 30)
    for x in (36, 50, 64):
        sheet.disc(x, 25, 5, 5, RED)
