"""What lasts is not searched for garbage; everything else still is."""

import gc

from chalicelib.loading import lasting


def test_garbage_is_looked_for_again_afterwards_but_not_in_what_was_made() -> None:
    frozen = gc.get_freeze_count()

    with lasting():
        meanwhile = gc.isenabled()
        made: list[list[int]] = [[] for _ in range(1000)]

    assert (meanwhile, gc.isenabled()) == (False, True)
    assert gc.get_freeze_count() >= frozen + len(made)


def test_who_looks_for_no_garbage_is_left_so() -> None:
    gc.disable()
    try:
        with lasting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
