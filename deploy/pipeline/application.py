"""The app as chalice packages it: a SAM template and deployment.zip, made without AWS."""

import io
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chalice.cli.factory import CLIFactory
from chalice.deploy import deployer
from chalice.deploy.packager import AppOnlyDeploymentPackager
from chalice.deploy.packager import DependencyBuilder as Dependencies
from chalice.deploy.swagger import CFNSwaggerGenerator
from chalice.package import ResourceBuilder, SAMCodeLocationPostProcessor, SAMTemplateGenerator
from chalice.utils import UI, OSUtils, to_cfn_resource_name

from deploy import policies
from deploy.errors import DeployError
from deploy.package import PrunedPackager
from deploy.pipeline.references import stand_in
from deploy.pipeline.template import Json, UnexpectedTemplateError
from deploy.stages import Stage

APP_FILES = ("app.py", "chalicelib", "vendor", "requirements.txt", ".chalice/config.json", ".chalice/policies")
ARCHIVE = "deployment.zip"
_OVERRIDDEN = ("_generate_lambdafunction", "_generate_s3bucketnotification")


def packaged(
    project: Path, stage: Stage, outputs_by_variable: Mapping[str, str], target: Path, *, thin: bool = False
) -> Json:
    """Write the app's archive into ``target``, and return the template that refers to it.

    The app is imported in this process, with its stage's variables set.

    Args:
        project: Where app.py is; nothing in it is changed, but packages are kept for the next time.
        outputs_by_variable: What app.py reads that is not known yet: the variables stand for outputs of a stack.
        thin: Without dependencies, for functions that run in this very environment.

    Raises:
        DeployError: A dependency cannot be had for Lambda, or the stage is not in .chalice/config.json.
    """
    unknown = {variable: stand_in(output) for variable, output in outputs_by_variable.items()}
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy_app(project, copy)
        policies.extend(copy / ".chalice" / "policies", stage.name, policies.additions(stage))
        # As chalice's command does: the app is imported with the stage's variables set.
        factory = CLIFactory(str(copy), environ=os.environ)
        if stage.name not in factory.load_project_config().get("stages", {}):
            raise DeployError(
                f"The stage {stage.name} is not in .chalice/config.json: add its functions' settings there."
            )
        config = factory.create_config_obj(stage.name, user_provided_params={"environment_variables": unknown})
        return _template(config, target, thin=thin)


class StageTemplateGenerator(SAMTemplateGenerator):
    """Makes chalice's template, with what it drops: the functions' names, and the one trigger it refuses."""

    def __init__(self, config: Any) -> None:
        missing = [name for name in _OVERRIDDEN if not hasattr(SAMTemplateGenerator, name)]
        if missing:
            raise UnexpectedTemplateError(f"chalice's SAMTemplateGenerator has no {', '.join(missing)}")
        super().__init__(config, _Services())  # type: ignore[arg-type]  # it asks nothing else

    def _generate_lambdafunction(self, resource: Any, template: Json) -> None:
        super()._generate_lambdafunction(resource, template)
        logical_id = to_cfn_resource_name(resource.resource_name)
        template["Resources"][logical_id]["Properties"]["FunctionName"] = resource.function_name

    def _generate_s3bucketnotification(self, resource: Any, template: Json) -> None:
        function = template["Resources"][to_cfn_resource_name(resource.lambda_function.resource_name)]
        properties: Json = {"Bucket": resource.bucket, "Events": resource.events}
        edges = {"prefix": resource.prefix, "suffix": resource.suffix}
        rules = [{"Name": name, "Value": value} for name, value in edges.items() if value]
        if rules:
            properties["Filter"] = {"Key": {"FilterRules": rules}}
        event = self._register_cfn_resource_name(resource.resource_name)
        function["Properties"]["Events"] = {event: {"Type": "S3", "Properties": properties}}


class _Services:
    """What chalice asks AWS's endpoints for, and what is the same in every partition."""

    def service_principal(self, service: str) -> str:
        return f"{service}.amazonaws.com"


def _template(config: Any, target: Path, *, thin: bool) -> Json:
    resources = ResourceBuilder(
        deployer.ApplicationGraphBuilder(), deployer.DependencyBuilder(), _build_stage(config, thin=thin)
    ).construct_resources(config, config.chalice_stage)
    template: Json = StageTemplateGenerator(config).generate(resources)
    target.mkdir(parents=True, exist_ok=True)
    SAMCodeLocationPostProcessor(osutils=OSUtils()).process(template, config, str(target), config.chalice_stage)
    return template


def _build_stage(config: Any, *, thin: bool) -> Any:
    files, silence = OSUtils(), UI(out=io.StringIO())
    packager = AppOnlyDeploymentPackager if thin else PrunedPackager
    dependencies = Dependencies(files, architecture=config.lambda_architecture)
    package: Any = packager(files, dependencies, silence, config.lambda_architecture)
    return deployer.BuildStage(
        steps=[
            deployer.InjectDefaults(),
            deployer.DeploymentPackager(package),
            deployer.PolicyGenerator(policy_gen=deployer.AppPolicyGenerator(osutils=files), osutils=files),
            deployer.SwaggerBuilder(swagger_generator=CFNSwaggerGenerator()),
            deployer.LambdaEventSourcePolicyInjector(),
            deployer.WebsocketPolicyInjector(),
        ]
    )


def _copy_app(project: Path, copy: Path) -> None:
    for name in APP_FILES:
        source, target = project / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    kept = project / ".chalice" / "deployments"
    kept.mkdir(parents=True, exist_ok=True)
    (copy / ".chalice" / "deployments").symlink_to(kept, target_is_directory=True)
