"""What the template leaves open, as parameters: named after the outputs of the stage's other stacks.

Secrets are no parameters: the template names them, and CloudFormation reads them. Which version of the signing key is
current is one, so that a deployment after a rotation is a change, and a token's key id that of ``make deploy``.
"""

from collections.abc import Mapping

from deploy import layout
from deploy.pipeline.gateway import ACCESS_LOG_PARAMETER
from deploy.pipeline.references import names_in, stand_in
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import Json, Template, UnexpectedTemplateError

SIGNING_KEY, PREVIOUS_SIGNING_KEY = "SigningKeyVersion", "PreviousSigningKeyVersion"
ADMIN_KEY_HASHES = "AdminKeyHashes"
HAS_PREVIOUS_KEY = "HasPreviousSigningKey"
_VERSION = "[0-9a-f]{8}-[0-9a-f-]{4,55}"


def environment(outputs_by_variable: Mapping[str, str]) -> Json:
    """Return the functions' variables that no file holds, for the template to fill in.

    Args:
        outputs_by_variable: The outputs of the infrastructure stack that are told to functions.
    """
    return {
        **{variable: {"Ref": output} for variable, output in outputs_by_variable.items()},
        "LAUREL_SIGNING_KEYS": {
            "Fn::If": [
                HAS_PREVIOUS_KEY,
                {"Fn::Join": [",", [_signing_key(SIGNING_KEY), _signing_key(PREVIOUS_SIGNING_KEY)]]},
                _signing_key(SIGNING_KEY),
            ]
        },
        "LAUREL_ADMIN_KEY_HASHES": {"Ref": ADMIN_KEY_HASHES},
    }


def release() -> Json:
    """Return what tells the parameters of one deployment from those of another: the functions' versions differ by it.

    Of the others none changes while the stage lives.
    """
    names = (SIGNING_KEY, PREVIOUS_SIGNING_KEY, ADMIN_KEY_HASHES)
    return {"Fn::Sub": f"keys {' '.join(stand_in(name) for name in names)}"}


def declared(template: Template, settings: Settings) -> Template:
    """Return the template with every name it refers to declared: a resource, a parameter, or an error.

    Raises:
        UnexpectedTemplateError: It refers to what is neither in it nor given out by another stack of the stage.
    """
    used = set(names_in(template.body["Resources"])) | set(names_in(template.body.get("Conditions", {})))
    # The versions of SAM's own making: Function.Alias, Function.Version.
    wanted = {name for name in used if "." not in name} - template.resources.keys()
    known = _known(settings)
    if wanted - known.keys():
        unknown = ", ".join(sorted(wanted - known.keys()))
        raise UnexpectedTemplateError(
            f"{unknown} is neither a resource in it nor an output of the stack {layout.stack_name(settings.stage.name)}"
        )
    template = template.with_section("Parameters", {name: known[name] for name in sorted(wanted)})
    if PREVIOUS_SIGNING_KEY in wanted:
        condition = {"Fn::Not": [{"Fn::Equals": [{"Ref": PREVIOUS_SIGNING_KEY}, ""]}]}
        template = template.with_section("Conditions", {HAS_PREVIOUS_KEY: condition})
    return template


def _signing_key(parameter: str) -> Json:
    """Return ``<key id>:<secret>``, the id made of the secret's version as deploy/secrets.py does it."""
    text = "${Id}:{{resolve:secretsmanager:${SigningKeyArn}:SecretString:::${" + parameter + "}}}"
    return {"Fn::Sub": [text, {"Id": {"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": parameter}]}]}}]}


def _known(settings: Settings) -> dict[str, Json]:
    stack = layout.stack_name(settings.stage.name)
    outputs = {name: _output(name, stack) for name in settings.outputs}
    edge = _output(ACCESS_LOG_PARAMETER, layout.edge_stack_name(settings.stage.name))
    return {
        **outputs,
        ACCESS_LOG_PARAMETER: {**edge, "Default": "", "MinLength": 0},
        SIGNING_KEY: _version("The current version of the secret SigningKeyArn.", _VERSION),
        PREVIOUS_SIGNING_KEY: {
            **_version("The version before, whose tokens are accepted still; empty, if none are.", f"|{_VERSION}"),
            "Default": "",
        },
        ADMIN_KEY_HASHES: {
            "Type": "String",
            "AllowedPattern": "[0-9a-f]{64}(,[0-9a-f]{64})*",
            "Description": "The SHA-256 of the secret AdminKeyArn, in hex, and of its version before.",
        },
    }


def _output(name: str, stack: str) -> Json:
    return {"Type": "String", "MinLength": 1, "Description": f"The output {name} of the stack {stack}."}


def _version(description: str, pattern: str) -> Json:
    return {"Type": "String", "AllowedPattern": pattern, "Description": description}
