"""What the page of pictures says follows from what was measured. What is measured of time is not for tests."""

from pathlib import Path

import pytest
from PIL import Image

from bench.pictures import page, quality
from bench.pictures.measures import Results, broken_claims
from bench.pictures.packages import Weight, weights
from bench.pictures.photographs import Photograph, photograph
from bench.pictures.ways import EACH_FILE, LAUREL, Made, shortest, tasks
from chalicelib.domain.avatars import MediaType


def _results(laurel: list[float], vipsthumbnail: list[float], *, mebibytes: float = 60) -> Results:
    made = {
        LAUREL: [Made(each, mebibytes) for each in laurel],
        EACH_FILE: [Made(each, 45) for each in vipsthumbnail],
    }
    losses = {"drawing": {"a shortcut": {64: 50.4, 512: float("inf")}}}
    return Results(made, {"JPEG": made}, losses, {"Pillow": Weight(6.9, 19.5)}, "libvips 8")


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (_results([140, 900], [100, 600]), "1.45 times"),
        (_results([120], [100], mebibytes=353), "JPEG takes 353 MiB, more than 352"),
    ],
)
def test_what_does_not_hold_is_said(results: Results, said: str) -> None:
    (broken,) = broken_claims(results)

    assert said in broken


def test_what_holds_is_not_mentioned() -> None:
    assert broken_claims(_results([120], [100], mebibytes=352)) == []


def test_the_page_shows_what_was_measured() -> None:
    text = page.written(_results([120, 150], [100, 120]))

    assert f"| {EACH_FILE} | 100 | **1.23** | 45 |" in text
    assert "| JPEG | 120 | 1.23 | 60 | 45 |" in text
    assert "The bound is 352 MiB for the child" in text
    assert "| a shortcut | 50 | - | - | - |" in text
    assert "| Pillow | 6.9 | 19.5 |" in text


def test_every_way_of_vipsthumbnail_makes_what_it_is_said_to() -> None:
    ways = tasks(Photograph("JPEG", MediaType.JPEG, Path("p.jpg"), 12), Path("out"))

    assert [len(task["commands"]) for name, task in ways.items() if "vipsthumbnail" in name] == [8, 9, 4, 1]
    made = {command[-1].partition("[")[0] for command in ways[EACH_FILE]["commands"]}
    assert made == {f"out/{size}.{form}" for size in (64, 128, 256, 512) for form in ("webp", "jpg")}


def test_photographs_are_the_same_every_time_and_have_detail() -> None:
    image = photograph(640, 480)

    assert image == photograph(640, 480)
    blurred = image.resize((160, 120), Image.Resampling.BOX).resize(image.size)
    assert 20 < quality.decibels(image, blurred) < 40  # neither noise nor smooth


def test_the_shortest_of_several_is_shown() -> None:
    assert shortest([Made(3, 1), Made(2, 5)]).milliseconds == 2


def test_libraries_weigh_what_their_files_do() -> None:
    weighed = weights()["Pillow"]

    assert 5 < weighed.zipped < weighed.unzipped < 40
