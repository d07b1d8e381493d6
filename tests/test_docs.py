"""What the documents promise exists: links lead somewhere, commands can be typed."""

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tests.documents import CODE, leads_somewhere
from tests.repository import ROOT, named, text_files

DOCUMENTS = list(text_files(".md"))
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
COMMAND = re.compile(r"(?:`|^\$? *)make ([a-z][a-z-]*)", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
AWS_COMMAND = re.compile(r"\baws ([a-z0-9]+)\s+([a-z][a-z0-9-]+)((?:(?!\baws )[^`\n|])*)")
ARGUMENT = re.compile(r"(?<!\S)--([a-z0-9-]+)")
OF_ALL_COMMANDS = {"cli-binary-format", "cli-read-timeout", "output", "profile", "query", "region"}
SERVICES = {"deploy": "codedeploy", "s3api": "s3"}
"""What a service is called where the command line calls it otherwise."""
RENAMED = {
    ("subscribe", "Endpoint"): "notification-endpoint",
    ("invoke", "Payload"): "payload",
    ("create-invalidation", "InvalidationBatch"): "paths",
}
"""Arguments that the command line calls otherwise than the operation's field."""
WRITTEN_FOR_PEOPLE = {
    ("cloudformation", "deploy"): {
        *("capabilities", "parameter-overrides", "s3-bucket", "stack-name", "template-file"),
    },
    ("cloudformation", "package"): {"output-template-file", "s3-bucket", "template-file"},
    ("ecr", "get-login-password"): set(),
    ("logs", "tail"): {"filter-pattern", "follow", "format", "since"},
    ("s3", "ls"): {"recursive"},
}
"""Commands, and their arguments, that are made of no operation: they are the command line's own."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    text = CODE.sub("", document.read_text(encoding="utf-8"))

    assert not [link for link in LINK.findall(text) if not leads_somewhere(document, link)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_can_be_typed(document: Path) -> None:
    targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))

    assert set(COMMAND.findall(document.read_text(encoding="utf-8"))) <= set(targets)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_of_aws_are_those_of_its_command_line(document: Path) -> None:
    """A command that cannot be run is found out at night otherwise."""
    for service, name, rest in AWS_COMMAND.findall(document.read_text(encoding="utf-8")):
        given = set(ARGUMENT.findall(rest))
        if (service, name) in WRITTEN_FOR_PEOPLE:
            assert given <= WRITTEN_FOR_PEOPLE[service, name] | OF_ALL_COMMANDS, (service, name)
            continue
        known, needed = arguments(SERVICES.get(service, service), name)
        assert given <= known | OF_ALL_COMMANDS, (service, name)
        assert not given or needed <= given, (service, name)


def arguments(service: str, name: str) -> tuple[set[str], set[str]]:
    """Return which arguments a command takes, and which of them it needs: it is made of the operation that it calls."""
    model = botocore.session.get_session().get_service_model(service)
    [operation] = [each for each in model.operation_names if xform_name(each, "-") == name]
    shape: Any = model.operation_model(operation).input_shape
    called = {member: RENAMED.get((name, member), xform_name(member, "-")) for member in shape.members}
    return set(called.values()), {called[member] for member in shape.required_members} - OF_ALL_COMMANDS


@pytest.mark.parametrize(("column", "floors"), [(2, ["services"]), (3, ["domain", "ranking"])])
def test_the_architecture_names_every_module_of_the_inner_floors_once(column: int, floors: list[str]) -> None:
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    [table] = re.findall(r"^\| about \|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    named_there = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[column])]
    modules = [path.stem for floor in floors for path in (ROOT / "chalicelib" / floor).glob("[!_]*.py")]

    assert sorted(named_there) == sorted(modules)


@pytest.mark.parametrize(
    "pattern",
    [
        pattern
        for document in DOCUMENTS
        for pattern in re.findall(r"--filter-pattern '([^']*)'", document.read_text(encoding="utf-8"))
    ],
)
def test_patterns_find_fields_of_json_or_any_of_some_terms(pattern: str) -> None:
    """``?`` stands before a term, quoted or not: within its quotes, or beside a term without one, it finds nothing."""
    term = r'\?(?:\w+|"[^"?]+")'

    assert re.fullmatch(r'\{ \$\.\w+ !?= "[\w*]+" \}', pattern) or re.fullmatch(rf"{term}(?: {term})*", pattern)
