"""One deployment, in a process of its own: chalice's deployer, on a copy of the app, against the embedded AWS.

The process imports chalice at once, then waits for the request on standard input: one started ahead of its need saves
half a second, and the caller's modules are never mixed with the app's. It answers with its exit status; what went
wrong stands on its standard error.
"""

import io
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

import botocore.session
from chalice.cli.factory import CLIFactory
from chalice.deploy import deployer
from chalice.deploy.packager import AppOnlyDeploymentPackager, DependencyBuilder
from chalice.deploy.swagger import TemplatedSwaggerGenerator
from chalice.utils import UI, OSUtils

from deploy import policies
from deploy.policies import Place
from local.gateway import LocalAWSClient
from local.layout import ACCOUNT, REGION, STAGE

APP_FILES = ("app.py", "chalicelib", "vendor", "requirements.txt", ".chalice/config.json", ".chalice/policies")
FRAMES_SHOWN = 3


def main() -> None:
    """Serve the one request, as ``request`` writes it; a closed input is none."""
    line = sys.stdin.readline()
    if not line:
        return
    arguments = json.loads(line)
    source, copy = Path(arguments["source"]), Path(arguments["copy"])
    try:
        _copy_app(source, copy)
        policies.render(copy / ".chalice" / "policies", Place(STAGE, "aws", REGION, ACCOUNT))
        _compile_all(copy)
        deploy(copy, Path(arguments["gateway_responses"]), arguments["environment"])
    except Exception:  # noqa: BLE001  (whatever is wrong with the app is the developer's to read, and ends nothing)
        sys.exit(traceback.format_exc(limit=-FRAMES_SHOWN).replace(str(copy), str(source)))


def deploy(project: Path, gateway_responses: Path, environment: dict[str, str]) -> None:
    """Deploy ``project``, its functions' environment extended by ``environment``, in memory only."""
    # As the command does: the app is imported with the stage's variables set.
    factory = CLIFactory(str(project), environ=os.environ)
    config = factory.create_config_obj(STAGE, user_provided_params={"environment_variables": environment})
    published = project / ".chalice" / "published.json"
    client = LocalAWSClient(botocore.session.Session(), gateway_responses, published)
    _deployer(config, client).deploy(config, chalice_stage_name=STAGE)


def _deployer(config: Any, client: LocalAWSClient) -> Any:
    files, silence = OSUtils(), UI(out=io.StringIO())
    return deployer.Deployer(
        application_builder=deployer.ApplicationGraphBuilder(),
        deps_builder=deployer.DependencyBuilder(),
        build_stage=_build_stage(config, files, silence),
        plan_stage=deployer.PlanStage(
            osutils=files, remote_state=deployer.RemoteState(client, config.deployed_resources(STAGE))
        ),
        sweeper=deployer.ResourceSweeper(),
        executor=deployer.Executor(client, silence),
        recorder=deployer.ResultsRecorder(osutils=files),
    )


def _build_stage(config: Any, files: OSUtils, ui: UI) -> Any:
    # Lambda workers run in this very environment, so the package needs no dependencies: no pip, no network.
    packager: Any = AppOnlyDeploymentPackager(files, DependencyBuilder(files), ui, config.lambda_architecture)
    return deployer.BuildStage(
        steps=[
            deployer.InjectDefaults(),
            deployer.DeploymentPackager(packager),
            deployer.PolicyGenerator(policy_gen=deployer.AppPolicyGenerator(osutils=files), osutils=files),
            deployer.SwaggerBuilder(swagger_generator=TemplatedSwaggerGenerator()),
            deployer.LambdaEventSourcePolicyInjector(),
            deployer.WebsocketPolicyInjector(),
        ]
    )


def _copy_app(source: Path, copy: Path) -> None:
    """Bring ``copy`` in line with ``source``; chalice's records of the deployment live in the copy alone."""
    for name in APP_FILES:
        origin, target = source / name, copy / name
        if target.is_dir():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif origin.exists():
            shutil.copyfile(origin, target)


def _compile_all(copy: Path) -> None:
    # Chalice imports app.py, which need not import every module: those left out would fail in the function only.
    for file in sorted(copy.rglob("*.py")):
        compile(file.read_bytes(), file, "exec")


if __name__ == "__main__":
    main()
