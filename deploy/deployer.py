"""The process in which the app is imported and deployed: ``python -m deploy.deployer``, one request on standard input.

It imports chalice at once, then waits for its request: one started ahead of its need saves half a second. It answers
with what it changed as JSON, or with its exit status and what went wrong on its standard error.
"""

import io
import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from chalice.cli.factory import CLIFactory
from chalice.deploy import deployer
from chalice.deploy.deployer import ChaliceDeploymentError
from chalice.deploy.models import RestAPI
from chalice.deploy.packager import AppOnlyDeploymentPackager, DependencyBuilder
from chalice.utils import UI, OSUtils, serialize_to_json

from deploy import inventory
from deploy.client import StageClient
from deploy.document import StageSwaggerGenerator, digest
from deploy.errors import DeployError, explained
from deploy.layout import GATEWAY_RESPONSES, api_name
from deploy.target import Target

FRAMES_SHOWN = 3

Json = dict[str, Any]


def main() -> None:
    """Serve the one request; a closed input is none."""
    line = sys.stdin.readline()
    if not line:
        return
    request = json.loads(line)
    target = Target.aws(request["stage"], os.environ, rehearsed=request["rehearsed"])
    try:
        deploy(target, request)
    except (BotoCoreError, ClientError, ChaliceDeploymentError, DeployError) as error:
        sys.exit(explained(error))
    except Exception:  # noqa: BLE001  (whatever is wrong with the app is the developer's to read, and ends nothing)
        sys.exit(traceback.format_exc(limit=-FRAMES_SHOWN))
    json.dump([asdict(change) for change in target.changes], sys.__stdout__ or sys.stdout)


def deploy(target: Target, request: Json) -> None:
    """Deploy the app of ``request``, or rehearse it; see ``deploy.app.AppDeployment`` for what to request."""
    project = Path(request["project"])
    _compile_all(project)
    # What the app prints while it is imported must not be taken for the answer.
    sys.stdout = sys.stderr
    config = _config(target, project, request)
    _write_record(project, target)
    _run(target, config, thin=request["thin"])


def _config(target: Target, project: Path, request: Json) -> Any:
    """Return chalice's configuration, the functions' environment extended in memory only."""
    # As chalice's command does: the app is imported with the stage's variables set.
    factory = CLIFactory(str(project), environ=os.environ)
    if target.stage not in factory.load_project_config().get("stages", {}):
        raise DeployError(
            f"The stage {target.stage} is not in .chalice/config.json: add its functions' settings there."
        )
    return factory.create_config_obj(target.stage, user_provided_params=request["parameters"])


def _write_record(project: Path, target: Target) -> None:
    """Let chalice find what is deployed where it would have written it."""
    file = project / ".chalice" / "deployed" / f"{target.stage}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(serialize_to_json(inventory.record(target)))


def _run(target: Target, config: Any, *, thin: bool) -> None:
    """Do what chalice's Deployer does, with our client and our API's document."""
    client, files, silence = StageClient(target), OSUtils(), UI(out=io.StringIO())
    order = deployer.DependencyBuilder()
    application = deployer.ApplicationGraphBuilder().build(config, target.stage)
    deployer.validate_configuration(config)
    resources = order.build_dependencies(application)
    _build_stage(target, config, files, thin=thin).execute(config, resources)
    client.document_digest = next((digest(api.swagger_doc) for api in resources if isinstance(api, RestAPI)), "")
    remote = deployer.RemoteState(client, config.deployed_resources(target.stage))
    plan = deployer.PlanStage(osutils=files, remote_state=remote).execute(resources)
    deployer.ResourceSweeper().execute(plan, config)
    executor = deployer.Executor(client, silence)
    executor.execute(plan)
    if not target.rehearsed:
        record = {"resources": executor.resource_values, "schema_version": "2.0", "backend": "api"}
        deployer.ResultsRecorder(osutils=files).record_results(record, target.stage, config.project_dir)


def _build_stage(target: Target, config: Any, files: OSUtils, *, thin: bool) -> Any:
    document = StageSwaggerGenerator(api_name(target.stage), GATEWAY_RESPONSES)
    stage = deployer.create_build_stage(files, UI(out=io.StringIO()), document, config)
    if not thin:
        return stage
    # Functions run in this very environment, so the package needs no dependencies: no pip, no network.
    packager: Any = AppOnlyDeploymentPackager(
        files, DependencyBuilder(files), UI(out=io.StringIO()), config.lambda_architecture
    )
    steps = [deployer.DeploymentPackager(packager) if _packages(step) else step for step in stage._steps]  # noqa: SLF001  (chalice offers no other way to exchange one)
    return deployer.BuildStage(steps)


def _packages(step: object) -> bool:
    return isinstance(step, deployer.DeploymentPackager | deployer.ManagedLayerDeploymentPackager)


def _compile_all(project: Path) -> None:
    # Chalice imports app.py, which need not import every module: those left out would fail in the function only.
    for file in [project / "app.py", *sorted((project / "chalicelib").rglob("*.py"))]:
        compile(file.read_bytes(), file, "exec")


if __name__ == "__main__":
    main()
