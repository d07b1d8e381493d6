from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import watch


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "chalicelib").mkdir()
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "chalicelib" / "words.py").write_text("1")
    return tmp_path


def _looks(*edits: Callable[[], object]) -> Callable[[], bool]:
    """Make each edit before one look, then let the watcher look three times more."""
    left = list(edits)
    looks = iter(range(len(edits) + 3))

    def still() -> bool:
        if left:
            left.pop(0)()
        return next(looks, None) is not None

    return still


def _seen(sources: Path, *edits: Callable[[], object]) -> Iterator[list[str]]:
    return (
        [str(path) for path in paths]
        for paths in watch.changes(sources, watch.snapshot(sources), _looks(*edits), seconds=0)
    )


def test_a_file_replaced_as_editors_do_is_a_change_every_time(sources: Path) -> None:
    def replace(text: str) -> None:
        (sources / "new").write_text(text)
        (sources / "new").replace(sources / "app.py")

    def nothing() -> None: ...

    seen = _seen(sources, lambda: replace("22"), nothing, lambda: replace("333"), nothing)

    assert list(seen) == [["app.py"], ["app.py"]]


def test_files_that_go_on_changing_are_one_change(sources: Path) -> None:
    module = sources / "chalicelib" / "words.py"
    seen = _seen(sources, lambda: module.write_text("22"), lambda: (sources / "app.py").write_text("333"))

    assert list(seen) == [["app.py", "chalicelib/words.py"]]


def test_new_and_deleted_files_are_changes(sources: Path) -> None:
    module = sources / "chalicelib" / "words.py"
    seen = _seen(sources, module.unlink, (sources / "chalicelib" / "more.py").touch)

    assert list(seen) == [["chalicelib/more.py", "chalicelib/words.py"]]


def test_what_python_caches_is_no_change(sources: Path) -> None:
    assert not list(_seen(sources, (sources / "chalicelib" / "words.pyc").touch))


def test_a_change_made_during_a_deployment_is_not_missed(sources: Path) -> None:
    before = watch.snapshot(sources)
    (sources / "app.py").write_text("22")

    assert [*watch.changes(sources, before, _looks(), seconds=0)] == [[Path("app.py")]]
