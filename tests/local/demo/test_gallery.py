from PIL import Image

from local.demo.gallery import COLUMNS, PLAIN, WIDTH, gallery, mosaic

RED, BLUE, NOTHING = (255, 0, 0, 255), (0, 0, 255, 255), (9, 9, 9, 0)


def column(*pixels: tuple[int, int, int, int]) -> Image.Image:
    """A square picture whose rows are these."""
    picture = Image.new("RGBA", (len(pixels), len(pixels)))
    picture.putdata([pixel for pixel in pixels for _ in pixels])
    return picture


def test_a_character_is_two_pixels() -> None:
    assert mosaic(column(RED, BLUE), 2) == [f"\033[38;2;255;0;0;48;2;0;0;255m▀▀{PLAIN}"]


def test_what_is_behind_a_picture_shines_through() -> None:
    assert mosaic(column(RED, NOTHING), 2) == [f"\033[0;38;2;255;0;0m▀▀{PLAIN}"]
    assert mosaic(column(NOTHING, BLUE), 2) == [f"\033[0;38;2;0;0;255m▄▄{PLAIN}"]
    assert mosaic(column(NOTHING, NOTHING), 2) == [f"\033[0m  {PLAIN}"]


def test_pictures_hang_three_in_a_row_above_their_captions() -> None:
    pictures = [column(RED, BLUE)] * 4
    captions = [(f"{rank}  Ada", f"{rank}00") for rank in range(1, 5)]

    lines = gallery(pictures, captions)

    height = COLUMNS // 2 + 3
    assert len(lines) == 2 * height
    assert [line.count("▀") for line in (lines[0], lines[height])] == [3 * COLUMNS, COLUMNS]
    assert lines[height - 3].split() == ["1", "Ada", "2", "Ada", "3", "Ada"]
    assert lines[height - 2].split() == ["100", "200", "300"]
    assert lines[-2].split() == ["400"]


def test_a_long_name_keeps_to_its_place() -> None:
    [*_, name, _, _] = gallery([column(RED, BLUE)] * 2, [("x" * 40, ""), ("y" * 40, "")])

    assert name.split() == ["x" * (WIDTH - 1), "y" * (WIDTH - 1)]
