"""What API Gateway asks of an account, once in each region, before any stage writes access logs: infra/account.yaml."""

from collections.abc import Callable

from deploy import templates
from deploy.changes import Change
from deploy.layout import ACCOUNT, ACCOUNT_STACK
from deploy.stacks import Stack
from deploy.stages import Stage
from deploy.target import Target


def changes(target: Target, stage: Stage) -> list[Change]:
    """Return what ``complete`` would change, and change nothing."""
    return _stack(target).changes() if _lacks_role(target, stage) else []


def complete(target: Target, stage: Stage, say: Callable[[str], None] = lambda _: None) -> None:
    """Make the role that access logs are written with, where the stage writes some and the account has none.

    A role that somebody else made is left alone: there is one for all APIs of the region. For the same reason nothing
    here ever deletes it.
    """
    if _lacks_role(target, stage):
        say(f"{ACCOUNT_STACK}: the role with which API Gateway writes logs, once for this account and region")
        _stack(target, say).apply()


def _lacks_role(target: Target, stage: Stage) -> bool:
    if not stage.api.get("access_logs"):
        return False
    return not target.client("apigateway").get_account().get("cloudwatchRoleArn")


def _stack(target: Target, say: Callable[[str], None] = lambda _: None) -> Stack:
    return Stack(target, ACCOUNT_STACK, templates.body(ACCOUNT), {}, say)
