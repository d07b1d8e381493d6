"""A stage made, changed and deleted by somebody who may do what infra/deployer says, and nothing else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy import stages
from deploy.deployment import Deployment
from deploy.destruction import Destruction
from deploy.policies import Place, rendered
from deploy.target import Target
from local import project
from local.layout import ACCOUNT, CHECKOUT, REGION
from local.stack import LocalStack
from local.target import embedded
from tests.permissions.evaluation import Policy, Request

pytestmark = pytest.mark.e2e

STAGE = "dev"
DEPLOYER = "deployer"
POLICIES = CHECKOUT / "infra" / "deployer"
HERE = Place(STAGE, "aws", REGION, ACCOUNT)
IMPLIED = {
    ("RolesOfFunctions", "iam:PassRole"),  # CreateFunction asks for it beside itself
    ("RolesOfFunctions", "iam:PassedToService"),
    # What tells why a stack failed, and what the one that is made once would change, should it have lost its role.
    ("Stacks", "cloudformation:DescribeStackEvents"),
    *(("LogsOfApis", f"cloudformation:{call}ChangeSet") for call in ("Create", "Delete", "Describe")),
    ("LogsOfApis", "cloudformation:DescribeStackEvents"),
}
"""By statement, what AWS asks for without a call of that name, or where something is broken: here nothing is."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Everything ``make deploy``, ``make diff`` and ``make destroy`` do."""

    target: Target
    root: Target
    copy: Path

    def run(self) -> None:
        stage = stages.read(STAGE)
        deployment = Deployment(self.target, stage, self.copy, thin=True)
        assert deployment.plan()
        deployment.run()
        before = {name: (self.copy / name).read_text() for name in ("app.py", ".chalice/config.json")}
        self._edit()
        deployment.run()
        for name, text in before.items():
            (self.copy / name).write_text(text)
        deployment.run()
        assert not deployment.plan()
        Destruction(self.target, stage).run()
        deployment.run()
        self._use()
        whole = Destruction(self.target, stage, data=True)
        assert whole.plan()
        whole.run()
        assert not whole.plan()

    def _edit(self) -> None:
        """Change what another deployment brings: settings, tags, a route, a schedule."""
        file = self.copy / ".chalice" / "config.json"
        config = json.loads(file.read_text())
        config["lambda_functions"]["audit_ranks"]["lambda_memory_size"] = 512
        config["lambda_functions"]["rebuild_ranks"]["reserved_concurrency"] = 1
        config["stages"][STAGE]["tags"] = {"team": "ranks"}
        file.write_text(json.dumps(config))
        app = (self.copy / "app.py").read_text().replace("Rate(5, unit", "Rate(6, unit")
        (self.copy / "app.py").write_text(f'{app}\n\n@app.route("/added")\ndef added():\n    return {{}}\n')

    def _use(self) -> None:
        """Put files into buckets, and protect a table, as production does."""
        for bucket, key in (("exports", "exports/1"), ("media", "avatars/1"), ("media", "quarantine/1")):
            self.root.client("s3").put_object(Bucket=f"laurel-{STAGE}-{bucket}-{ACCOUNT}", Key=key, Body=b"1")
        tables = self.root.client("dynamodb")
        tables.update_table(TableName=f"laurel-{STAGE}-boards", DeletionProtectionEnabled=True)


@pytest.fixture(scope="module")
def walked(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    """What was asked for on a walk that only the deployer's permissions made possible."""
    root = embedded(stack.aws_endpoint, stage=STAGE, home=tmp_path_factory.mktemp("home"))
    target = deployer(root, "deploy", "destroy")
    Walk(target, root, project.copied(CHECKOUT, tmp_path_factory.mktemp("project"))).run()
    lines = [json.loads(line) for line in stack.asked.read_text().splitlines()]
    mine = [each for each in lines if each["caller"].endswith(f":user/{DEPLOYER}")]
    return [Request(each["action"], each["resource"]) for each in mine]


def deployer(root: Target, *policies: str) -> Target:
    """Return the same place, reached by a user who has these policies."""
    users = root.client("iam")
    users.create_user(UserName=DEPLOYER)
    for name in policies:
        document = json.dumps(policy(name))
        users.put_user_policy(UserName=DEPLOYER, PolicyName=name, PolicyDocument=document)
    key = users.create_access_key(UserName=DEPLOYER)["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    connection = {
        "endpoint_url": root.environment["AWS_ENDPOINT_URL"],
        "region_name": REGION,
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    return Target(STAGE, {**root.environment, **keys}, connection)


def policy(name: str) -> Any:
    return rendered(json.loads((POLICIES / f"{name}.json").read_text()), HERE)


@pytest.mark.parametrize("name", ["deploy", "destroy"])
def test_every_permission_is_used_by_some_step(walked: list[Request], name: str) -> None:
    permissions = Policy.of(policy(name))
    used = {each for request in walked for each in permissions.used(request)}

    actions = {(each.sid, each.subject) for each in permissions.permissions()}
    resources = {(each.sid, each.object) for each in permissions.permissions()}
    idle = actions - {(each.sid, each.subject) for each in used}
    assert idle - IMPLIED == set()
    assert {sid for sid, _ in resources - {(each.sid, each.object) for each in used}} <= {sid for sid, _ in IMPLIED}


def test_no_step_asks_for_more(walked: list[Request]) -> None:
    permissions = [Policy.of(policy(name)) for name in ("deploy", "destroy")]
    # Everybody may ask who they are.
    asked = {each for each in walked if each.action != "sts:GetCallerIdentity"}

    assert not [each for each in asked if not any(allowed.used(each) for allowed in permissions)]
