"""``python -m deploy deploy|diff|destroy``: what ``make deploy``, ``make diff`` and ``make destroy`` run for STAGE.

The account, the region and the credentials are those the AWS tools would use.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from deploy import inventory, policies, stages
from deploy.app import AppDeployment
from deploy.changes import Change, lines
from deploy.deployment import Deployment, edge_stack
from deploy.errors import DeployError, explained
from deploy.layout import admin_key_name, app_stack_name
from deploy.stacks import Stack
from deploy.stages import Stage
from deploy.target import Target

LOCAL = "local"
INTERRUPTED = 130

Ask = Callable[[str], str]
Command = Callable[[Target, Stage, Mapping[str, str], Ask], None]


def main(arguments: list[str], environ: Mapping[str, str], ask: Ask = input) -> None:
    """Run a command; what is wrong with it ends the program, said so that it can be mended."""
    if arguments not in [[command] for command in COMMANDS]:
        sys.exit(__doc__)
    try:
        _run(COMMANDS[arguments[0]], environ, ask)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(explained(error))
    except KeyboardInterrupt:
        print("\nBroken off. The same command goes on from here.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _run(command: Command, environ: Mapping[str, str], ask: Ask) -> None:
    stage = stages.read(environ.get("STAGE", ""))
    if stage.name == LOCAL and not environ.get("AWS_ENDPOINT_URL"):
        raise DeployError("The stage local is what make run deploys on this machine. Name another: STAGE=dev")
    target = _target(stage, environ)
    _require_own(target)
    command(target, stage, environ, ask)


def _target(stage: Stage, environ: Mapping[str, str]) -> Target:
    """Return the target, having asked it who is calling: before anything is begun."""
    target = Target.aws(stage.name, environ)
    place = policies.place_of(target)
    print(f"Stage {stage.name}, account {place.account}, region {place.region}\n", flush=True)
    return target


def _require_own(target: Target) -> None:
    """Refuse a stage whose functions CloudFormation has made: it would not know of what is changed here."""
    app = app_stack_name(target.stage)
    if Stack(target, app, body="").outputs():
        raise DeployError(
            f"The stage {target.stage} is deployed from a pipeline, by the stack {app}. Let the pipeline run; or "
            f"delete that stack, then run this again: aws cloudformation delete-stack --stack-name {app}"
        )


def diff(target: Target, stage: Stage, _environ: Mapping[str, str], _ask: Ask) -> None:
    """Print what a deployment would change."""
    _print_plan(Deployment(target, stage).plan())


def deploy(target: Target, stage: Stage, _environ: Mapping[str, str], _ask: Ask) -> None:
    """Print the plan, carry it out, and print what there is now."""
    deployment, app = Deployment(target, stage, say=_say), AppDeployment(target)
    try:
        plan = deployment.plan()
        _print_plan(plan)
        began = time.monotonic()
        changed = deployment.run(app) if plan else []
    finally:
        app.cancel()
    edge = edge_stack(target, stage, inventory.rest_api_id(target) or "").outputs()
    print(f"\nDeployed after {time.monotonic() - began:.0f} s; {len(changed)} parts of the app changed.")
    print(f"  API        {edge['Url']}")
    print(f"  admin key  aws secretsmanager get-secret-value --secret-id {admin_key_name(stage.name)}")


def destroy(target: Target, stage: Stage, environ: Mapping[str, str], ask: Ask) -> None:
    """Print what would go, and delete it once the stage's name has been said; protected data, once it is said again."""
    if environ.get("DATA", "") not in {"", "delete"}:
        raise DeployError(f"DATA can be delete, or is left out and data is kept; it cannot be {environ['DATA']!r}")
    from deploy.destruction import Destruction  # noqa: PLC0415  (with it comes chalice, a third of a second)

    destruction = Destruction(target, stage, data=bool(environ.get("DATA")), say=_say)
    print("\n".join(destruction.plan()) or "Nothing is there.", flush=True)
    confirm(environ.get("YES"), ask, "YES", stage.name)
    if destruction.data and any(each.is_protected(target) for each in destruction.retained()):
        print("Its tables are protected against deletion: what is deleted now, nobody brings back.")
        confirm(environ.get("AGAIN"), ask, "AGAIN", f"delete {stage.name} data")
    destruction.run()
    kept = destruction.retained()
    print(f"Stage {stage.name} is gone" + (", and its data is kept: DATA=delete deletes it too." if kept else "."))


COMMANDS: Mapping[str, Command] = {
    "deploy": deploy,
    "diff": diff,
    "destroy": destroy,
}


def confirm(said: str | None, ask: Ask, variable: str, words: str) -> None:
    """Return once ``words`` have been said, by a variable or by whoever is asked; raise DeployError otherwise."""
    if said is None:
        try:
            said = ask(f"To go on, type: {words}\n> ")
        except EOFError:
            said = ""
    if said.strip() != words:
        raise DeployError(f"Nothing was deleted. Without a terminal, say it as {variable}={words!r}.")


def _print_plan(changes: list[Change]) -> None:
    print("\n".join(lines(changes)) or "Nothing would change.", flush=True)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
