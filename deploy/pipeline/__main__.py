"""``python -m deploy.pipeline package|parameters``: what ``make package`` and ``make parameters`` run for ``STAGE``.

With ``IMAGE``, the packaged functions are made of that image.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from deploy import environment, layout, stages
from deploy.errors import DeployError, explained
from deploy.pipeline import application, images, values
from deploy.pipeline.completion import completed
from deploy.pipeline.settings import Settings
from deploy.stages import Stage
from deploy.target import Target

DIST = layout.CHECKOUT / "dist"
TEMPLATE = "template.json"


def main(arguments: list[str], environ: Mapping[str, str]) -> None:
    """Run a command; what is wrong with it ends the program, in one line."""
    try:
        stage = stages.read(environ.get("STAGE", ""))
        if arguments == ["package"]:
            package(stage, DIST / stage.name, image=environ.get("IMAGE", ""))
        else:
            parameters(stage, DIST / stage.name)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(explained(error))


def package(
    stage: Stage, target: Path, project: Path = layout.CHECKOUT, *, thin: bool = False, image: str = ""
) -> None:
    """Write the stage's template, archive and first parameters into ``target``; needs no AWS.

    Args:
        project: The directory of app.py, chalicelib and .chalice.
        thin: Without dependencies, for functions that run in this very environment.
        image: The URI of a container image to make functions of; "": they are made of the archive.

    Raises:
        DeployError: Something of the app, of chalice or of infra/ does not fit the rest.
    """
    packaged = application.packaged(project, stage, environment.OUTPUTS, target, thin=thin)
    template = completed(packaged, Settings.of(stage), environment.OUTPUTS)
    template = images.as_image(template, image) if image else template
    (target / TEMPLATE).write_text(json.dumps(template, indent=1) + "\n")
    values.write(target / values.INFRASTRUCTURE, values.infrastructure(stage))
    size = (target / application.ARCHIVE).stat().st_size / 1e6
    print(f"{target}: {TEMPLATE} with {len(template['Resources'])} resources, {application.ARCHIVE} of {size:.1f} MB")


def parameters(stage: Stage, target: Path, aws: Target | None = None) -> None:
    """Write what the stage's stacks and secrets say into ``target``, for the stacks that come next.

    Raises:
        DeployError: The stage is not packaged, or has no infrastructure yet.
    """
    aws = aws or Target.aws(stage.name, os.environ)
    if not (target / TEMPLATE).exists():
        raise DeployError(f"{target / TEMPLATE} is not there: make package STAGE={stage.name} first.")
    template = json.loads((target / TEMPLATE).read_text())
    values.write(target / values.APP, values.app(template, aws))
    print(f"{target / values.APP}: for the stack {layout.app_stack_name(stage.name)}")
    of_edge = values.edge(stage, aws)
    if of_edge is None:
        print(f"there is no {values.EDGE} yet: it names the API, which the app's stack makes")
        return
    values.write(target / values.EDGE, of_edge)
    print(f"{target / values.EDGE}: for the stack {layout.edge_stack_name(stage.name)}")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
