"""The trigger that chalice refuses to package, packaged."""

import json
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.pipeline.completion import completed
from deploy.pipeline.template import UnexpectedTemplateError
from tests.deploy.pipeline import packages, watcher
from tests.deploy.pipeline.packages import Json, Package, settings
from tests.deploy.pipeline.variants import changed, without_options

pytestmark = pytest.mark.xdist_group("pipeline")


def complete(package: Package, **pipeline: object) -> Json:
    given = changed(without_options(settings("prod")), "pipeline", **pipeline)
    return completed(package.template, given, watcher.OUTPUTS)


def packaged(tmp_path: Path, bucket: str) -> Package:
    return packages.made(watcher.write(tmp_path, bucket), "prod", tmp_path / "dist")


def test_a_bucket_is_asked_to_tell_the_function(watching: Package) -> None:
    resources = complete(watching)["Resources"]
    [asked] = [each for each in resources.values() if each["Type"] == "Custom::BucketNotifications"]

    assert asked["Properties"]["Bucket"] == {"Ref": "MediaBucketName"}
    assert asked["Properties"]["Notifications"] == [
        {
            "Id": "laurel-prod.make_avatar",
            "LambdaFunctionArn": {"Ref": "MakeAvatar.Alias"},
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {
                "Key": {"FilterRules": [{"Name": "prefix", "Value": "avatars/"}, {"Name": "suffix", "Value": ".webp"}]}
            },
        }
    ]


def test_the_bucket_may_call_before_it_is_asked_to(watching: Package) -> None:
    resources = complete(watching)["Resources"]
    [asked] = [each for each in resources.values() if each["Type"] == "Custom::BucketNotifications"]
    permission = resources[asked["DependsOn"][0]]["Properties"]

    assert permission["FunctionName"] == {"Ref": "MakeAvatar.Alias"}
    assert permission["Principal"] == "s3.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::Sub": "arn:${AWS::Partition}:s3:::${MediaBucketName}"}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_who_asks_may_do_nothing_else(watching: Package) -> None:
    resources = complete(watching)["Resources"]
    [policy] = resources["BucketNotificationsRole"]["Properties"]["Policies"]
    buckets, logs = policy["PolicyDocument"]["Statement"]

    assert buckets["Action"] == ["s3:GetBucketNotification", "s3:PutBucketNotification"]
    assert buckets["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${MediaBucketName}"}]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_laurels_own_bucket_is_asked_to_tell_of_uploads(packaged_prod: Json) -> None:
    resources = packages.complete(packaged_prod, settings("prod"))["Resources"]
    [asked] = [each for each in resources.values() if each["Type"] == "Custom::BucketNotifications"]
    [notification] = asked["Properties"]["Notifications"]

    assert asked["Properties"]["Bucket"] == {"Ref": "MediaBucketName"}
    assert (notification["Id"], notification["LambdaFunctionArn"]) == (
        "laurel-prod.make_avatar",
        {"Ref": "MakeAvatar.Alias"},
    )
    assert notification["Filter"] == {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}}
    failing = resources["MakeAvatar"]["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert failing == {"Type": "SQS", "Destination": {"Ref": "AsyncDeadLettersArn"}}


def test_a_function_that_a_bucket_calls_is_released_like_any_other(watching: Package) -> None:
    function = complete(watching)["Resources"]["MakeAvatar"]["Properties"]

    assert function["AutoPublishAlias"] == "live"
    assert function["DeploymentPreference"]["Type"] == "Canary10Percent5Minutes"
    assert function["Events"] == {}


def test_an_app_that_no_bucket_tells_has_nothing_of_it(watching: Package) -> None:
    template = json.loads(json.dumps(watching.template))
    del template["Resources"]["MakeAvatar"]["Properties"]["Events"]

    assert not [name for name in complete(Package(template, b""))["Resources"] if "Notification" in name]


def test_the_bucket_is_a_parameter_of_the_stage(watching: Package) -> None:
    assert "MediaBucketName" in complete(watching)["Parameters"]


@pytest.mark.parametrize(
    ("bucket", "named"), [('"uploads-of-old"', "uploads-of-old"), ('"${NoticesTopicArn}"', "NoticesTopicArn")]
)
def test_a_bucket_that_the_stage_does_not_have_is_refused(tmp_path: Path, bucket: str, named: str) -> None:
    package = packaged(tmp_path, bucket)

    with pytest.raises(DeployError, match=rf"make_avatar is to be told by the bucket {named}.*MediaBucketName"):
        complete(package)


def test_a_bucket_of_another_form_is_refused(watching: Package) -> None:
    template = json.loads(json.dumps(watching.template))
    [event] = template["Resources"]["MakeAvatar"]["Properties"]["Events"].values()
    event["Properties"]["Bucket"] = ["MediaBucketName"]

    with pytest.raises(UnexpectedTemplateError, match=r"make_avatar is .*MediaBucketName.*, which is no name"):
        complete(Package(template, b""))
