import io

import pytest
from PIL import Image

from local.demo.faces import FORMATS, SIDE, drawn, encoded, face

NAMES = [f"Player {number}" for number in range(60)]


def test_a_name_has_one_face() -> None:
    assert face("Ada") == face("Ada")
    assert drawn(face("Ada")).tobytes() == drawn(face("Ada")).tobytes()


def test_faces_differ() -> None:
    assert len({drawn(face(name)).tobytes() for name in NAMES}) > 50


def test_some_faces_are_cut_out() -> None:
    corners = {drawn(face(name)).getpixel((0, 0))[3] for name in NAMES}  # type: ignore[index]  # of RGBA: four numbers

    assert corners == {0, 255}


def test_a_champion_wears_a_crown() -> None:
    gold = (255, 201, 51, 255)
    crowned, plain = (drawn(face("Ada", champion=champion)) for champion in (True, False))

    assert crowned.getpixel((SIDE // 2, SIDE // 8)) == gold
    assert plain.getpixel((SIDE // 2, SIDE // 8)) != gold


@pytest.mark.parametrize("kind", FORMATS)
def test_a_face_can_be_a_file_of_any_kind(kind: str) -> None:
    with Image.open(io.BytesIO(encoded(drawn(face("Ada")), kind))) as file:
        assert (file.format, file.size) == (kind, (SIDE, SIDE))
