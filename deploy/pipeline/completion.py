"""What chalice packages, completed: a SAM template in, a SAM template out."""

from collections.abc import Mapping

from deploy.pipeline import buckets, functions, gateway, parameters, releases, triggers
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import TRANSFORM, Json, Template, UnexpectedTemplateError


def completed(packaged: Json, settings: Settings, outputs_by_variable: Mapping[str, str]) -> Json:
    """Return a template with all that chalice leaves out, and leave the one given as it is.

    Args:
        packaged: Of deploy/pipeline/application.py.
        outputs_by_variable: The outputs of the infrastructure stack that functions find in their environment.

    Raises:
        UnexpectedTemplateError: Chalice made another template than this was written for.
        DeployError: The files of infra/ ask for what app.py has not.
    """
    if packaged.get("Transform") != TRANSFORM:
        raise UnexpectedTemplateError(f"its Transform is {packaged.get('Transform')}, not {TRANSFORM}")
    template = Template(packaged)
    template = functions.configured(template, settings, parameters.environment(outputs_by_variable))
    template = functions.entitled(template, settings)
    template = triggers.resolved(template)
    template = triggers.fetched(template, settings)
    template = triggers.asynchronous(template, settings)
    template = functions.logged(template, settings)
    template = releases.published(template, settings)
    template = releases.snapped(template, settings)
    template = releases.shifted(template, settings)
    template = buckets.notified(template, settings)
    template = gateway.routed(template)
    template = gateway.staged(template, settings)
    return parameters.declared(template, settings).body
