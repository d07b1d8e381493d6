"""Who is taken for the caller, whatever else is on the stack, and that what is not allowed does not happen."""

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_type_hints

import pytest

from chalicelib.bootstrap.delivering import Delivering
from chalicelib.bootstrap.following import Following
from chalicelib.bootstrap.operations import Operations
from chalicelib.services.inspection import Inspector
from chalicelib.services.settle import Settler
from chalicelib.services.tokens import Tokens
from tests.fake_dynamodb import Call, Once
from tests.permissions.entrances import API_HANDLER, ENTRANCES
from tests.permissions.evaluation import Policy
from tests.permissions.ledger import Ledger
from tests.permissions.listeners import LISTENERS
from tests.permissions.plugin import WITNESS
from tests.permissions.witness import Carrying, NotAllowedError
from tests.services.works import Works, crowd
from tests.world import World

SHARED = {Inspector, Settler, Tokens}
"""What belongs to no function alone, so that only who called it decides. Tokens makes no calls."""


class Recorder:
    """Notes on whose behalf calls are made."""

    def __init__(self) -> None:
        self.functions: list[str | None] = []

    def __call__(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        del service, operation, params
        self.functions.append(WITNESS.acting())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    LISTENERS.append(recorder)
    yield recorder
    LISTENERS.remove(recorder)


def test_a_use_case_acts_for_the_function_that_has_it(recorder: Recorder) -> None:
    world = World()
    world.board()
    works = Works(world)
    assert set(recorder.functions) == {"api_handler"}

    recorder.functions.clear()
    works.use.upkeep.keep(lambda: False)

    assert set(recorder.functions) == {"keep_ranks"}


def test_what_a_test_does_itself_is_no_functions(recorder: Recorder) -> None:
    World().client._make_api_call("Scan", {"TableName": "laurel-test-games"})  # noqa: SLF001  # as a test may

    assert recorder.functions == [None]


def test_another_process_acts_for_itself_in_the_midst_of_a_call(recorder: Recorder) -> None:
    world = World()
    world.board()
    crowd(world, [5])
    works = Works(world)

    def look_up(call: Call) -> None:
        del call
        world.another_process().boards.get("race")

    recorder.functions.clear()
    world.before(Once(lambda _: True, look_up))

    works.use.upkeep.keep(lambda: False)

    assert recorder.functions[:2] == ["keep_ranks", "api_handler"]
    assert set(recorder.functions[2:]) == {"keep_ranks"}


def test_threads_act_for_the_function_that_asked_them_to() -> None:
    witness = replace(WITNESS, entrances={_entered.__code__: "keep_ranks"}, ledger=Ledger())
    with Carrying(witness, 1) as threads:
        assert _entered(threads, witness) == "keep_ranks"
        assert threads.submit(witness.acting).result() is None


def _entered(threads: Carrying, witness: Any) -> object:
    return threads.submit(witness.acting).result()


def test_a_call_that_is_not_allowed_is_not_made() -> None:
    policies = {**WITNESS.policies, API_HANDLER: Policy(())}
    witness = replace(WITNESS, policies=policies, entrances={_asking.__code__: API_HANDLER}, ledger=Ledger())

    with pytest.raises(NotAllowedError, match=r"the policy of api_handler does not allow dynamodb:Scan on arn:aws:"):
        _asking(witness)

    assert [*witness.ledger.refused] == [API_HANDLER]


def _asking(witness: Any) -> None:
    witness.note("dynamodb", "Scan", {"TableName": "laurel-test-games"})


def test_every_function_is_entered_somewhere() -> None:
    app = importlib.import_module("app").app
    declared = [*app.pure_lambda_functions, *app.event_sources, *app.builtin_auth_handlers]

    assert set(ENTRANCES) == {API_HANDLER, *(function.name for function in declared)}


def test_every_use_case_of_players_and_admins_is_an_entrance_or_shared() -> None:
    services = World().services

    assert not _unclaimed(type(getattr(services, name)) for name in vars(type(services)) if not name.startswith("_"))


@pytest.mark.parametrize("root", [Following, Operations, Delivering])
def test_every_use_case_is_an_entrance_or_shared(root: type) -> None:
    assert not _unclaimed(get_type_hints(root).values())


def _unclaimed(made: Iterable[type]) -> set[type]:
    """Return the use cases among these by which nobody could tell on whose behalf a call is made."""
    services = {each for each in made if each.__module__.startswith("chalicelib.services.")}
    entered = {entrance for entrances in ENTRANCES.values() for entrance in entrances}
    assert services
    # Of upkeep, audits are one function's and the rest another's.
    return {each for each in services - SHARED - entered if not entered & set(vars(each).values())}


def test_an_upkeep_has_no_other_entrance() -> None:
    upkeep = get_type_hints(Operations)["upkeep"]
    public = {
        member for name, member in vars(upkeep).items() if inspect.isfunction(member) and not name.startswith("_")
    }

    assert public == {each for entrances in ENTRANCES.values() for each in entrances if each in vars(upkeep).values()}
