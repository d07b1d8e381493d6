"""Holds every call of a run of tests to the policies, and after a run of all tests the policies to the calls.

Each process has a witness; those of pytest-xdist's workers hand what they saw to the process that started them.
"""

from typing import Any

import _pytest.python
import botocore.handlers
import pytest

from tests.permissions import entrances
from tests.permissions.calls import Location
from tests.permissions.ledger import Ledger
from tests.permissions.listeners import LISTENERS
from tests.permissions.policies import BY_LAMBDA, UNIT_TESTS, policies
from tests.permissions.witness import Witness

WITNESS = Witness(
    policies(UNIT_TESTS),
    Location(UNIT_TESTS.region, UNIT_TESTS.account),
    entrances.codes(),
    entrances.clients(),
    frozenset({_pytest.python.pytest_pyfunc_call.__code__}),
)
_OUTPUT = "permissions"
_VERDICT = pytest.StashKey[list[str]]()
_FAULTY = "Calls and policies disagree: allow what is needed, test what is allowed, or take it away."
_ALL_USED = "every call was allowed, and every permission was used"
_NOT_JUDGED = "every call was allowed; which permissions nothing uses, only a whole run without failures can say"
_CHOICES = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "collectonly")
"""The options of pytest that leave tests out."""


def pytest_configure(config: pytest.Config) -> None:
    del config
    LISTENERS.append(WITNESS.note)
    # What every session of botocore made from now on does first: moto comes into them by the same door.
    botocore.handlers.BUILTIN_HANDLERS.append(("provide-client-params", WITNESS.hear))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    del error
    output = getattr(node, "workeroutput", {})
    if _OUTPUT in output:
        WITNESS.ledger.merge(Ledger.of_json(output[_OUTPUT]))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OUTPUT] = WITNESS.ledger.to_json()
        return
    whole = exitstatus == pytest.ExitCode.OK and is_whole(session.config)
    faults = WITNESS.ledger.faults(WITNESS.policies, whole=whole, spared=BY_LAMBDA)
    session.config.stash[_VERDICT] = [_FAULTY, *faults] if faults else [_ALL_USED if whole else _NOT_JUDGED]
    if faults and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if WITNESS.ledger.used or WITNESS.ledger.refused:
        terminalreporter.section("permissions", sep="-")
        for line in config.stash.get(_VERDICT, []):
            terminalreporter.write_line(line)


def is_whole(config: pytest.Config) -> bool:
    """Tell whether all tests were asked for: what is left out may be what uses a permission."""
    chosen = any(getattr(config.option, name, None) for name in _CHOICES)
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chosen
