"""Libraries that Lambda could not load are refused, with the file and what is wrong with it."""

from pathlib import Path

import msgspec
import pytest

from deploy.binaries import require_portable
from deploy.errors import DeployError

LIBRARY = "msgspec/_core.so"
CONTENT = Path(msgspec._core.__file__).read_bytes()  # noqa: SLF001  # a library that is at hand
WHEEL = "msgspec-1.dist-info/WHEEL"
"""How wheels say what they were built for."""

pytestmark = pytest.mark.skipif(not CONTENT.startswith(b"\x7fELF"), reason="this machine's libraries are not for Linux")


def _built_for(content: bytes) -> str:
    return {0x3E: "x86_64", 0xB7: "arm64"}[content[18]]


HERE = _built_for(CONTENT) if CONTENT.startswith(b"\x7fELF") else ""
ELSEWHERE = {"x86_64": "arm64", "arm64": "x86_64"}.get(HERE, "")


@pytest.mark.parametrize("runtime", ["python3.11", "python3.12", "python3.13"])
def test_what_lambda_can_load_is_taken(runtime: str) -> None:
    require_portable({LIBRARY: CONTENT, WHEEL: b"Tag: cp311-cp311-manylinux2014_x86_64\n"}, runtime, HERE)


@pytest.mark.parametrize(("runtime", "has"), [("python3.11", "2.26"), ("python3.12", "2.34")])
def test_a_library_that_asks_for_a_newer_c_library_is_refused(runtime: str, has: str) -> None:
    newest = max(version for version in (b"GLIBC_2.14", b"GLIBC_2.17") if version in CONTENT)

    with pytest.raises(DeployError, match=rf"msgspec/_core\.so: asks for glibc 2\.99; there is {has}\n") as refused:
        require_portable({LIBRARY: CONTENT.replace(newest, b"GLIBC_2.99")}, runtime, HERE)
    assert "requirements.in" in str(refused.value)


@pytest.mark.parametrize(("runtime", "has"), [("python3.11", "1.2.7"), ("python3.12", "1.2.11")])
def test_a_library_that_asks_for_a_newer_zlib_is_refused(runtime: str, has: str) -> None:
    newest = max(version for version in (b"GLIBC_2.14", b"GLIBC_2.17") if version in CONTENT)

    with pytest.raises(DeployError, match=rf"asks for zlib 1\.9\.9; there is {has}\n"):
        require_portable({LIBRARY: CONTENT.replace(newest, b"ZLIB_1.9.9")}, runtime, HERE)


def test_a_library_for_another_processor_is_refused() -> None:
    with pytest.raises(DeployError, match=rf"not fit for python3\.12 on {ELSEWHERE}:\n  msgspec/_core\.so: built for "):
        require_portable({LIBRARY: CONTENT}, "python3.12", ELSEWHERE)


def test_a_library_that_is_in_neither_package_nor_runtime_is_refused() -> None:
    asking = CONTENT.replace(b"\0libc.so.6\0", b"\0libz.so.9\0")

    with pytest.raises(DeployError, match=r"msgspec/_core\.so: asks for libz\.so\.9"):
        require_portable({LIBRARY: asking}, "python3.12", HERE)
    require_portable({LIBRARY: asking, "msgspec.libs/libz.so.9": b""}, "python3.12", HERE)


def test_a_wheel_that_was_built_here_is_refused() -> None:
    with pytest.raises(DeployError, match=r"  msgspec-1: built on this machine, for linux_x86_64\n"):
        require_portable({WHEEL: b"Wheel-Version: 1.0\nTag: cp312-cp312-linux_x86_64\n"}, "python3.12", "x86_64")


@pytest.mark.parametrize(("runtime", "architecture"), [("python3.9", "x86_64"), ("python3.12", "riscv")])
def test_what_nothing_is_known_of_is_refused(runtime: str, architecture: str) -> None:
    with pytest.raises(DeployError, match=rf"nothing is known of {runtime} on {architecture}"):
        require_portable({}, runtime, architecture)
