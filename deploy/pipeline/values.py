"""The values of the parameters of a stage's three stacks, as ``aws cloudformation deploy`` reads them from a file."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from deploy import layout, secrets
from deploy.errors import DeployError
from deploy.pipeline.parameters import ADMIN_KEY_HASHES, PREVIOUS_SIGNING_KEY, SIGNING_KEY
from deploy.pipeline.template import Json
from deploy.stacks import Stack
from deploy.stages import Stage
from deploy.target import Target

INFRASTRUCTURE, APP, EDGE = "infrastructure-parameters.json", "app-parameters.json", "edge-parameters.json"


def infrastructure(stage: Stage) -> dict[str, str]:
    """Return the parameters of infra/template.yaml, all of which are known beforehand."""
    return {"Stage": stage.name, **stage.template}


def app(template: Json, target: Target) -> dict[str, str]:
    """Return the parameters of the packaged template, from the stage's other stacks and its secrets.

    Raises:
        DeployError: The infrastructure stack is not there, or older than the template.
    """
    stack = layout.stack_name(target.stage)
    outputs = _outputs(target, stack)
    if not outputs:
        raise DeployError(f"There is no stack {stack} in this account and region: deploy infra/template.yaml first.")
    known = {**_outputs(target, layout.edge_stack_name(target.stage)), **outputs, **dict(_keys(target, outputs))}
    declared: Mapping[str, Json] = template["Parameters"]
    missing = sorted(name for name, rules in declared.items() if name not in known and "Default" not in rules)
    if missing:
        raise DeployError(
            f"The stack {stack} gives out no {', '.join(missing)}: deploy infra/template.yaml as it is now first, with"
            " the parameters in infra/stages.yaml that make it do so."
        )
    return {name: known.get(name, "") for name in declared}


def edge(stage: Stage, target: Target) -> dict[str, str] | None:
    """Return the parameters of infra/edge.yaml; None while there is no API."""
    outputs = _outputs(target, layout.app_stack_name(stage.name))
    if not outputs:
        return None
    return {"Stage": stage.name, "RestApiId": outputs["RestAPIId"], "ApiStage": layout.API_STAGE, **stage.edge}


def write(file: Path, values: Mapping[str, str]) -> None:
    """Write parameters for ``--parameter-overrides file://...``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([f"{name}={value}" for name, value in values.items()], indent=2) + "\n")


def _outputs(target: Target, stack: str) -> dict[str, str]:
    return Stack(target, stack, body="").outputs()


def _keys(target: Target, outputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is said of secrets, which is never the secrets themselves."""
    ids = [version for version, _ in secrets.versions(target, outputs["SigningKeyArn"])]
    yield from zip((SIGNING_KEY, PREVIOUS_SIGNING_KEY), ids, strict=False)
    admin_keys = (secret for _, secret in secrets.versions(target, outputs["AdminKeyArn"]))
    yield ADMIN_KEY_HASHES, ",".join(_digests(admin_keys))


def _digests(texts: Iterable[str]) -> Iterator[str]:
    return (hashlib.sha256(text.encode()).hexdigest() for text in texts)
