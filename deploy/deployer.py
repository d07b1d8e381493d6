"""The process in which the app is imported and deployed: ``python -m deploy.deployer``, one request on standard input.

It imports chalice at once, then waits for its request: one started ahead of its need saves half a second. It answers
with what it changed as JSON, or with its exit status and what went wrong on its standard error.
"""

import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from chalice.cli.factory import CLIFactory
from chalice.deploy import deployer
from chalice.deploy.deployer import ChaliceDeploymentError
from chalice.deploy.models import RestAPI
from chalice.deploy.packager import (
    AppOnlyDeploymentPackager,
    BaseLambdaDeploymentPackager,
    DependencyBuilder,
    PipRunner,
    SubprocessPip,
)
from chalice.policy import AppPolicyGenerator
from chalice.utils import UI, OSUtils, serialize_to_json

from deploy import inventory, policies
from deploy.client import StageClient
from deploy.document import StageSwaggerGenerator, digest
from deploy.errors import DeployError, explained
from deploy.layout import GATEWAY_RESPONSES, api_name
from deploy.policies import Place
from deploy.target import Target

FRAMES_SHOWN = 3

Json = dict[str, Any]


def main() -> None:
    """Serve the one request; a closed input is none."""
    line = sys.stdin.readline()
    if not line:
        return
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    request = json.loads(line)
    # What the app prints while it is imported must not be taken for the answer, nor its byte code for a part of it.
    answer, sys.stdout = sys.stdout, sys.stderr
    sys.dont_write_bytecode = True
    try:
        target = Target.aws(request["stage"], os.environ, rehearsed=request["rehearsed"])
        deploy(target, request)
    except (BotoCoreError, ClientError, ChaliceDeploymentError, DeployError) as error:
        sys.exit(explained(error))
    except Exception:  # noqa: BLE001  (whatever is wrong with the app is the developer's to read, and ends nothing)
        sys.exit(traceback.format_exc(limit=-FRAMES_SHOWN))
    json.dump([asdict(change) for change in target.changes], answer)


class Files(OSUtils):
    """Chalice's way to files, which lists them in one order: the same app makes the same package everywhere."""

    def walk(self, path: str, followlinks: bool = False) -> Iterator[tuple[str, list[str], list[str]]]:
        for folder, folders, files in super().walk(path, followlinks):
            folders.sort()
            yield folder, folders, sorted(files)


class Policies(deployer.PolicyGenerator):
    """Reads the policies in .chalice/policies, completed for one stage in one place."""

    def __init__(self, files: OSUtils, request: Json) -> None:
        super().__init__(AppPolicyGenerator(osutils=files), files)
        self._place = Place(**request["place"])
        self._added: list[str] = request["added"]

    def handle_filebasediampolicy(self, _config: Any, resource: Any) -> None:
        policy = Path(resource.filename)
        if not policy.exists():
            raise DeployError(f"{policy} is missing: .chalice/config.json names a policy for each function.")
        resource.document = policies.completed(policy, self._place, self._added)


def deploy(target: Target, request: Json) -> None:
    """Deploy the app of a request, or rehearse it; see ``deploy.app.Request``."""
    project = Path(request["project"])
    _compile_all(project)
    config = _config(target, project, request)
    _write_record(project, target)
    _run(target, config, request)


def _config(target: Target, project: Path, request: Json) -> Any:
    """Return chalice's configuration, with what overrides it in memory only."""
    # As chalice's command does: the app is imported with the stage's variables set.
    factory = CLIFactory(str(project), environ=os.environ)
    if target.stage not in factory.load_project_config().get("stages", {}):
        raise DeployError(f".chalice/config.json has no stage {target.stage}: say there what its functions may use.")
    return factory.create_config_obj(target.stage, user_provided_params=request["parameters"])


def _write_record(project: Path, target: Target) -> None:
    """Let chalice find what is deployed where it would have written it."""
    file = project / ".chalice" / "deployed" / f"{target.stage}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(serialize_to_json(inventory.record(target)))


def _run(target: Target, config: Any, request: Json) -> None:
    """Do what chalice's Deployer does, with a client and a build stage of ours."""
    client, files, order = StageClient(target), Files(), deployer.DependencyBuilder()
    deployer.validate_configuration(config)
    application = deployer.ApplicationGraphBuilder().build(config, target.stage)
    resources = order.build_dependencies(application)
    _build_stage(target, config, files, request).execute(config, resources)
    client.document_digest = next((digest(api.swagger_doc) for api in resources if isinstance(api, RestAPI)), "")
    remote = deployer.RemoteState(client, config.deployed_resources(target.stage))
    plan = deployer.PlanStage(osutils=files, remote_state=remote).execute(resources)
    deployer.ResourceSweeper().execute(plan, config)
    executor = deployer.Executor(client, _silence())
    executor.execute(plan)
    if not target.rehearsed:
        record = {"resources": executor.resource_values, "schema_version": "2.0", "backend": "api"}
        deployer.ResultsRecorder(osutils=files).record_results(record, target.stage, config.project_dir)


def _build_stage(target: Target, config: Any, files: OSUtils, request: Json) -> Any:
    document = StageSwaggerGenerator(api_name(target.stage), GATEWAY_RESPONSES, request["key_required"])
    packager: Any = (_thin_packager if request["thin"] else _packager)(config, files)
    return deployer.BuildStage(
        steps=[
            deployer.InjectDefaults(),
            deployer.DeploymentPackager(packager),
            Policies(files, request),
            deployer.SwaggerBuilder(document),
            deployer.LambdaEventSourcePolicyInjector(),
            deployer.WebsocketPolicyInjector(),
        ]
    )


def _packager(config: Any, files: OSUtils) -> BaseLambdaDeploymentPackager:
    from deploy.package import PrunedPackager  # noqa: PLC0415  (with it comes a reader of binaries, a tenth of a second)

    pip = PipRunner(pip=SubprocessPip(osutils=files), osutils=files)
    dependencies = DependencyBuilder(files, pip_runner=pip, architecture=config.lambda_architecture)
    return PrunedPackager(files, dependencies, _silence(), config.lambda_architecture)


def _thin_packager(config: Any, files: OSUtils) -> BaseLambdaDeploymentPackager:
    # Functions run in this very environment, so the package needs no dependencies: no pip, no network.
    return AppOnlyDeploymentPackager(files, DependencyBuilder(files), _silence(), config.lambda_architecture)


def _silence() -> UI:
    return UI(out=io.StringIO())


def _end_with_the_caller() -> None:
    sys.stdin.read()
    os._exit(1)


def _compile_all(project: Path) -> None:
    # Chalice imports app.py, which need not import every module: those left out would fail in the function only.
    for file in [project / "app.py", *sorted((project / "chalicelib").rglob("*.py"))]:
        compile(file.read_bytes(), file, "exec")


if __name__ == "__main__":
    main()
