"""Whatever the child does, the renderer answers."""

import ctypes
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from PIL import Image

from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType, Refusal, Refused
from chalicelib.pictures import refusals
from chalicelib.pictures.confinement import MIB, Bounds
from chalicelib.pictures.renderer import Renderer, RendererError
from tests.pictures import gone_wrong
from tests.pictures.anatomy import chunk, picture, png, saved
from tests.pictures.corpus import pictures

PR_GET_DUMPABLE = 3
SMALL = Bounds(memory=64 * MIB, cpu_seconds=10, seconds=60, start_seconds=60, answer=MIB)
SHORT = structs.replace(SMALL, seconds=1)
LONG_ENOUGH = structs.replace(SMALL, seconds=5)
"""For an answer from a busy machine; all of it goes by where somebody is left behind."""
ON_TIME = 300
"""Seconds: the bounds, and what a busy machine adds; without bounds it would be a thousand."""
PATIENCE_SECONDS = 60
PATIENT = Renderer(Bounds(cpu_seconds=300, seconds=300, start_seconds=PATIENCE_SECONDS))
"""With the memory of the deployed one, and time for a busy machine."""


def child(how: str, bounds: Bounds = SMALL) -> Renderer:
    return Renderer(bounds, (str(Path(gone_wrong.__file__)), how))


def rendered(how: str, bounds: Bounds = SMALL) -> Refusal | int:
    answer = child(how, bounds).render(b"upload", MediaType.JPEG, Crop.CENTRE)
    return answer.reason if isinstance(answer, Refused) else len(answer)


@pytest.mark.parametrize("media_type", MediaType)
def test_a_picture_makes_every_file_of_an_avatar(media_type: MediaType) -> None:
    good = next(each for each in pictures() if each.media_type is media_type)

    avatar = PATIENT.render(good.content, media_type, Crop.CENTRE)

    assert isinstance(avatar, list)
    assert {(each.size, each.form) for each in avatar} == {(size, form) for size in SIZES for form in Form}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"progressive": True, "subsampling": 0}], ids=["baseline", "progressive"])
def test_forty_eight_megapixels_fit_into_a_child_s_memory(options: dict[str, int]) -> None:
    photograph = saved(MediaType.JPEG, Image.new("RGB", (8000, 6000), "teal"), **options)

    assert isinstance(PATIENT.render(photograph, MediaType.JPEG, Crop.CENTRE), list)


def test_what_inspection_refuses_is_refused() -> None:
    refused = PATIENT.render(b"<svg>", MediaType.PNG, Crop.CENTRE)

    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.SVG


def test_what_only_the_decoder_finds_damaged_is_refused() -> None:
    refused = PATIENT.render(png(pixels=chunk(b"IDAT", b"pixels")), MediaType.PNG, Crop.CENTRE)

    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.DAMAGED


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("segfault", Refusal.DAMAGED),
        ("raise", Refusal.DAMAGED),
        ("lie", Refusal.DAMAGED),
        ("allocate", Refusal.TOO_COMPLEX),
        ("allocate_bit_by_bit", Refusal.TOO_COMPLEX),
        ("abort", Refusal.TOO_COMPLEX),
        ("write", Refusal.TOO_COMPLEX),
    ],
)
def test_a_child_gone_wrong_is_a_picture_refused(how: str, reason: Refusal) -> None:
    assert rendered(how) is reason


def test_memory_that_is_shared_counts_too() -> None:
    assert rendered("share_memory") is Refusal.DAMAGED


def test_a_child_that_computes_for_ever_is_ended() -> None:
    assert ended_on_time(lambda: rendered("spin", structs.replace(SMALL, cpu_seconds=2))) is Refusal.TOO_COMPLEX


def test_a_child_that_waits_for_ever_is_ended() -> None:
    assert ended_on_time(lambda: rendered("sleep", SHORT)) is Refusal.TOO_COMPLEX


def test_a_child_that_leaves_another_behind_is_ended_with_it() -> None:
    assert ended_on_time(lambda: rendered("leave_another_behind", LONG_ENOUGH)) == len(SIZES) * len(Form)
    assert ends_soon(lambda: bool(processes_of("leave_another_behind")))


def test_what_decoders_print_is_no_part_of_the_answer() -> None:
    assert rendered("talk") == len(SIZES) * len(Form)


def test_an_upload_is_sent_whole() -> None:
    answer = child("nothing").render(b"\0" * 20_000_000, MediaType.JPEG, Crop.CENTRE)

    assert isinstance(answer, list)


@pytest.mark.parametrize(
    "program", [("-c", "import nowhere"), ("-c", "import os; os.abort()"), (str(gone_wrong.__file__), "never_begin")]
)
def test_a_child_that_never_began_is_no_picture_s_fault(program: tuple[str, ...]) -> None:
    with pytest.raises(RendererError, match="before it began"):
        Renderer(Bounds(start_seconds=0.5), program).render(b"upload", MediaType.JPEG, Crop.CENTRE)


def test_a_decoder_that_was_not_packaged_is_no_picture_s_fault() -> None:
    with pytest.raises(RendererError, match=r"PIL\.DecoderOfAnotherPackage"):
        rendered("lack_a_decoder")


def test_a_child_s_story_is_not_passed_on() -> None:
    refused = child("chatter").render(b"upload", MediaType.JPEG, Crop.CENTRE)

    assert refused == refusals.UNREADABLE.refused()


def test_a_bound_that_lets_no_child_begin_is_no_picture_s_fault() -> None:
    with pytest.raises(RendererError, match="before it began"):
        Renderer(Bounds(start_seconds=0)).render(b"upload", MediaType.JPEG, Crop.CENTRE)


def test_the_child_knows_no_credentials(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-function")
    monkeypatch.setenv("LAUREL_TOKEN_KEYS", "of-the-stage")

    said = words_of("show_environment", caplog)

    assert "AWS" not in said
    assert "LAUREL" not in said
    assert "of-the" not in said
    assert "folder=/\n" in said + "\n"


def test_the_child_has_given_up_files_and_memory(caplog: pytest.LogCaptureFixture) -> None:
    said = words_of("show_environment", caplog)

    limits = {line[:26].strip(): line[26:].split()[:2] for line in said.splitlines() if line.startswith("Max ")}
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max cpu time"] == [str(SMALL.cpu_seconds)] * 2
    assert limits["Max data size"] == [str(SMALL.memory)] * 2
    assert int(limits["Max open files"][0]) < 100


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = set(Path(tempfile.gettempdir()).iterdir())

    for media_type in (MediaType.JPEG, MediaType.AVIF):
        PATIENT.render(picture(media_type), media_type, Crop.SMART)

    assert list(tmp_path.iterdir()) == []
    assert not {path for path in set(Path(tempfile.gettempdir()).iterdir()) - before if is_of_pictures(path)}


@pytest.mark.skipif(sys.platform != "linux", reason="the filter of system calls is Linux's")
@pytest.mark.parametrize("what", ["open_a_file", "fork", "connect", "start_a_program", "kill_its_parent"])
def test_a_child_gone_wrong_can_do_nothing_to_the_world(what: str, caplog: pytest.LogCaptureFixture) -> None:
    assert "Operation not permitted" in words_of(what, caplog)
    assert not gone_wrong.FILE.exists()


def test_a_kernel_that_secludes_no_child_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "laurel"):
        assert rendered("unsecluded") == len(SIZES) * len(Form)

    assert [record.message for record in caplog.records] == ["picture_made_without_seclusion"]


def test_a_child_may_start_a_thread() -> None:
    assert rendered("start_a_thread") == len(SIZES) * len(Form)


@pytest.mark.skipif(sys.platform != "linux", reason="the same")
def test_the_parent_s_memory_and_environment_are_its_own() -> None:
    rendered("nothing")

    assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE) == 0


def is_of_pictures(path: Path) -> bool:
    return any(word in path.name.lower() for word in ("pillow", "avif", "picture", "image"))


def ended_on_time(call: Callable[[], Refusal | int]) -> Refusal | int:
    start = time.monotonic()
    answer = call()
    assert time.monotonic() - start < ON_TIME
    return answer


def words_of(how: str, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.WARNING, "laurel"):
        rendered(how)
    return str(vars(caplog.records[-1])["said"]).replace("\\n", "\n")


def ends_soon(goes_on: Callable[[], bool]) -> bool:
    """Return whether something ends while one waits a little: to be killed takes a moment."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while goes_on() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not goes_on()


def processes_of(how: str) -> list[bytes]:
    """Return the command lines of children that go wrong in this way."""
    lines = [command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [line for line in lines if f"gone_wrong.py\0{how}\0".encode() in line]


def command_line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
