"""Devices over HTTP, with SNS's platform applications."""

import json
from typing import Any

import botocore.session
import pytest

from tests.api.world import Signed, World
from tests.tables import PREFIX

TOKEN = "a-token-of-a-push-service"


@pytest.fixture
def sns(settings: pytest.MonkeyPatch, session: botocore.session.Session, table_prefix: str) -> Any:
    client: Any = session.create_client("sns")
    attributes = {"PlatformCredential": "secret"}
    application = client.create_platform_application(Name=f"{PREFIX}fcm", Platform="GCM", Attributes=attributes)
    settings.setenv("LAUREL_PUSH_APPLICATIONS", json.dumps({"fcm": application["PlatformApplicationArn"]}))
    return client


def register(world: World, player: Signed, **fields: Any) -> Any:
    body = {"platform": "fcm", "token": TOKEN, **fields}
    return world.api.post("/players/me/devices", body, token=player.token)


def devices(world: World, player: Signed) -> list[Any]:
    return list(world.api.get("/players/me/devices", token=player.token).body["devices"])


def test_a_device_is_registered_given_a_new_token_shown_and_removed(sns: Any, world: World) -> None:
    ada = world.player()

    made = register(world, ada)
    assert made.status == 201
    renewed = register(world, ada, token="another-token", replaces=made.body["device_id"]).body

    assert devices(world, ada) == [renewed]
    assert world.api.get("/players/me/export", token=ada.token).body["devices"] == [renewed]
    [application] = sns.list_platform_applications()["PlatformApplications"]
    arn = application["PlatformApplicationArn"]
    [endpoint] = sns.list_endpoints_by_platform_application(PlatformApplicationArn=arn)["Endpoints"]
    assert endpoint["Attributes"]["Token"] == "another-token"
    assert world.api.delete(f"/players/me/devices/{renewed['device_id']}", token=ada.token).status == 204
    assert devices(world, ada) == []


def test_what_is_no_platform_or_no_token_is_refused(sns: Any, world: World) -> None:
    ada = world.player()

    for fields in ({"platform": "pigeon"}, {"token": ""}, {"token": "with space"}, {"replaces": "me"}):
        assert register(world, ada, **fields).refusal == (400, "malformed")


def test_where_nothing_is_pushed_devices_are_refused(world: World) -> None:
    assert register(world, world.player()).refusal == (403, "push_off")
