"""Pictures with bytes changed at random: never a crash but of a child, never a hang, never more memory than allowed."""

import signal
import subprocess
import sys
from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType, Refusal, Refused
from chalicelib.pictures.confinement import MIB, Bounds
from chalicelib.pictures.inspection import inspect
from chalicelib.pictures.renderer import Renderer
from tests.pictures import many
from tests.pictures.mutations import mutant, originals
from tests.repository import ROOT
from tests.strategies import EXAMPLES

MANY = 300
PATIENCE_SECONDS = 600
CODE = 48 * MIB
"""Bytes of files that the child maps, which its bound leaves out."""
FAULTS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE}
CRASH = "crash"
AVATAR = f"{len(SIZES) * len(Form)} files"
randoms = st.randoms(use_true_random=False)


@pytest.mark.property
@settings(max_examples=EXAMPLES // 2)
@given(random=randoms)
def test_inspection_takes_or_refuses_whatever_it_is_given(random: Random) -> None:
    media_type, content = mutant(random)

    refused = inspect(content, media_type)

    assert refused is None or refused.message


@pytest.mark.property
def test_inspection_takes_or_refuses_many_more() -> None:
    seed = Random().randrange(2**32)
    random = Random(seed)

    for number in range(MANY * 10):
        media_type, content = mutant(random)
        refused = inspect(content, media_type)
        assert refused is None or refused.message, f"seed {seed}, mutant {number}"


@pytest.mark.property
@given(content=st.binary(max_size=200), media_type=st.sampled_from(MediaType), at=st.integers(0, 60))
def test_inspection_takes_or_refuses_whatever_follows_a_signature(
    content: bytes, media_type: MediaType, at: int
) -> None:
    refused = inspect(originals()[media_type][0][:at] + content, media_type)

    assert refused is None or refused.message


@pytest.mark.property
@settings(max_examples=20)
@given(random=randoms)
def test_a_mutant_makes_an_avatar_or_is_refused(random: Random) -> None:
    media_type, content = mutant(random)

    answer = Renderer(Bounds(start_seconds=PATIENCE_SECONDS)).render(content, media_type, Crop.CENTRE)

    assert isinstance(answer, Refused) or len(answer) == len(SIZES) * len(Form)


@pytest.mark.property
def test_many_mutants_keep_within_the_memory_of_one() -> None:
    seed = Random().randrange(2**32)
    random = Random(seed)
    left, outcomes, peaks = [mutant(random) for _ in range(MANY)], Counter[str](), list[int]()

    while left:
        found, peak = outcomes_of(left)
        outcomes.update(found)
        peaks += peak
        left = left[len(found) :]

    assert outcomes.keys() <= {AVATAR, CRASH, *Refusal}, f"seed {seed}"
    assert outcomes[AVATAR] > 0, "none reaches a decoder: this proves nothing"
    assert max(peaks, default=0) * 1024 < Bounds().memory + CODE, f"seed {seed}"


def outcomes_of(mutants: list[tuple[MediaType, bytes]]) -> tuple[list[str], list[int]]:
    """Return what became of each up to the first that crashes its decoder, and the memory it took if none does."""
    child = subprocess.run(
        [sys.executable, many.__file__],
        input=msgspec.msgpack.encode(mutants),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1"},
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    said = child.stdout.decode().splitlines()
    if child.returncode == 0:
        return said[:-1], [int(said[-1])]
    assert -child.returncode in FAULTS, "ended by a bound: one of them takes too much"
    return [*said, CRASH], []
