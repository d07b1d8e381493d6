"""Pictures with bytes changed at random: never a crash, never a hang, never more memory than there is."""

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
CODE = 48 * MIB
"""Bytes of files that the child maps, which its bound leaves out."""
AVATAR = f"{len(SIZES) * len(Form)} files"
randoms = st.randoms(use_true_random=False)


@pytest.mark.property
@settings(max_examples=EXAMPLES * 5)
@given(random=randoms)
def test_inspection_takes_or_refuses_whatever_it_is_given(random: Random) -> None:
    media_type, content = mutant(random)

    refused = inspect(content, media_type)

    assert refused is None or refused.message


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

    answer = Renderer().render(content, media_type, Crop.CENTRE)

    assert isinstance(answer, Refused) or len(answer) == len(SIZES) * len(Form)


@pytest.mark.property
def test_many_mutants_keep_within_the_memory_of_one() -> None:
    seed = Random().randrange(2**32)
    random = Random(seed)

    *outcomes, peak = outcomes_of([mutant(random) for _ in range(MANY)])

    assert len(outcomes) == MANY, f"seed {seed}: a decoder crashed on mutant {len(outcomes)}"
    assert set(outcomes) <= {AVATAR, *Refusal}
    assert int(peak.removesuffix(" KiB")) * 1024 < Bounds().memory + CODE, f"seed {seed}"
    assert Counter(outcomes)[AVATAR] > 0, "none reaches a decoder: this proves nothing"


def outcomes_of(pictures: list[tuple[MediaType, bytes]]) -> list[str]:
    """Return what became of each, then the memory it took; less if the child crashed."""
    child = subprocess.run(
        [sys.executable, many.__file__],
        input=msgspec.msgpack.encode(pictures),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1"},
        timeout=120,
        check=False,
    )
    return child.stdout.decode().splitlines()
