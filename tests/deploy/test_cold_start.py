"""Functions start with what they need. Modules are counted, which no busy machine moves; time is compared to a peer."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from bench.cold import functions, trees
from bench.cold.endpoint import endpoint
from bench.cold.measures import LEANEST_PRUNED, MAX_RATIO
from bench.cold.starts import READ_BOARD, Start, Way, called, imported, in_turns, ratio

ROUNDS = 5
SEASONS = "keep_seasons"
MAX_MODULES = {functions.API: 425, functions.AUTHORIZER: 175, functions.UPLOADS: 410, SEASONS: 450}
MAX_MODULES_OF_OTHERS = 425
"""Read from files, on any Python: some ten more or fewer are Python's own.

The seasons' function does most things beside serving players, and nobody waits for it.
"""
MAX_RATIOS = {functions.API: MAX_RATIO, functions.AUTHORIZER: 0.6, functions.STREAM: MAX_RATIO}
OPERATORS = {"audit_ranks", "rebuild_ranks", "export_records", "advise_ranks", "keep_ranks", SEASONS}
NEVER = {
    "PIL",
    "asyncio",
    "boto3",
    "cryptography",
    "multiprocessing",
    "s3transfer",
    "typing_extensions",
    "unittest",
}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("package")]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with endpoint(tmp_path_factory.mktemp("endpoint")) as environment:
        yield environment


@pytest.fixture(scope="module")
def starts(tree: Path, aws: Mapping[str, str]) -> dict[str, Start]:
    return {way.name: called(way, aws) for way in functions.ways(tree)}


def test_every_function_of_the_manifest_is_started() -> None:
    app = importlib.import_module("app").app
    declared = {each.name for each in (*app.pure_lambda_functions, *app.event_sources, *app.builtin_auth_handlers)}

    assert functions.events().keys() == {functions.API, *declared}


@pytest.mark.parametrize("name", sorted(functions.events()))
def test_a_function_keeps_to_its_budget_of_modules(starts: Mapping[str, Start], name: str) -> None:
    modules = starts[name].modules

    assert len(modules) <= MAX_MODULES.get(name, MAX_MODULES_OF_OTHERS)
    assert _packages(modules).isdisjoint(NEVER)


def test_the_authorizer_needs_neither_botocore_nor_the_domain(starts: Mapping[str, Start]) -> None:
    modules = starts[functions.AUTHORIZER].modules

    assert _packages(modules).isdisjoint({"botocore", "pynamodb", "urllib3"})
    assert _parts(modules).isdisjoint({"events", "ranking", "store"})


def test_the_api_needs_nothing_of_events_and_signs_no_token_before_one_is_asked_for(
    starts: Mapping[str, Start],
) -> None:
    modules = starts[functions.API].modules

    assert "events" not in _parts(modules)
    assert "jwt" not in _packages(modules)


@pytest.mark.parametrize("name", sorted(functions.events().keys() - {functions.UPLOADS}))
def test_what_makes_no_avatar_starts_without_what_does(starts: Mapping[str, Start], name: str) -> None:
    assert "pictures" not in _parts(starts[name].modules)


@pytest.mark.parametrize("name", sorted(functions.events().keys() - {functions.API, functions.AUTHORIZER}))
def test_what_is_no_route_starts_without_routes(starts: Mapping[str, Start], name: str) -> None:
    modules = starts[name].modules

    assert "chalicelib.api.routing" not in modules
    assert "chalicelib.bootstrap.serving" not in modules


@pytest.mark.parametrize("name", sorted(functions.events()))
def test_importing_takes_neither_network_nor_settings(tree: Path, name: str) -> None:
    assert imported(Way(name, tree, f"app.{name}")).modules


def test_cold_starts_take_hardly_longer_than_that_of_the_leanest_function(
    tree: Path, packed: Path, aws: Mapping[str, str], tmp_path: Path
) -> None:
    leanest = trees.leanest(packed, tmp_path / "leanest", compiled=True).path
    laurels = [way for way in functions.ways(tree) if way.name in MAX_RATIOS]

    starts = in_turns([*laurels, Way(LEANEST_PRUNED, leanest, "leanest.handler", READ_BOARD)], aws, ROUNDS)

    ratios = {name: ratio(starts[name], starts[LEANEST_PRUNED]) for name in MAX_RATIOS}
    assert {name: found for name, found in ratios.items() if found > MAX_RATIOS[name]} == {}


def _packages(modules: Sequence[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def _parts(modules: Sequence[str]) -> set[str]:
    return {module.split(".")[1] for module in modules if module.startswith("chalicelib.")}
