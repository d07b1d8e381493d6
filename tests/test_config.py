from datetime import timedelta

import pytest

from chalicelib.config import ConfigError, SigningKey, function, load, media_bucket, notices_topic
from chalicelib.domain.game_rules import GameRules

GOOD = {"LAUREL_SIGNING_KEYS": f"a:{'x' * 32}"}


def test_defaults_need_the_signing_keys_only() -> None:
    config = load(GOOD)

    assert (config.stage, config.table_prefix) == ("dev", "laurel-dev-")
    assert config.signing_keys == (SigningKey("a", "x" * 32),)
    assert (config.admin_key_hashes, dict(config.game_rules_by_mode)) == ((), {})


def test_the_tables_are_the_stages() -> None:
    assert load({**GOOD, "LAUREL_STAGE": "prod"}).table("boards") == "laurel-prod-boards"
    assert load({**GOOD, "LAUREL_TABLE_PREFIX": "x-"}).table("boards") == "x-boards"


def test_the_first_key_signs_and_all_are_kept() -> None:
    config = load({"LAUREL_SIGNING_KEYS": f"new:{'n' * 32}, old:{'o:' * 16}"})

    assert config.signing_keys == (SigningKey("new", "n" * 32), SigningKey("old", "o:" * 16))


def test_there_are_exports_only_where_a_bucket_is_named() -> None:
    assert load(GOOD).exports_bucket == ""
    assert load({**GOOD, "LAUREL_EXPORTS_BUCKET": "laurel-exports"}).exports_bucket == "laurel-exports"


def test_notices_go_to_the_topic_and_to_the_applications_that_are_named() -> None:
    arn = "arn:aws:sns:eu-central-1:123456789012:app/APNS_SANDBOX/laurel-dev-game"

    assert (load(GOOD).notices_topic, load(GOOD).push_applications) == ("", {})
    assert notices_topic({"LAUREL_STAGE": "prod"}) == "laurel-prod-notices"
    assert load({**GOOD, "LAUREL_NOTICES_TOPIC": "arn"}).notices_topic == "arn"
    assert load({**GOOD, "LAUREL_PUSH_APPLICATIONS": f'{{"apns": "{arn}"}}'}).push_applications == {"apns": arn}


def test_pictures_are_taken_only_where_a_bucket_is_named() -> None:
    assert (load(GOOD).media_bucket, load(GOOD).media_url, load(GOOD).avatar_check) == ("", "", "")
    assert load({**GOOD, "LAUREL_MEDIA_BUCKET": "laurel-media"}).media_bucket == "laurel-media"


@pytest.mark.parametrize("url", ["https://media.example", "https://media.example/", "https://media.example//"])
def test_keys_are_appended_to_the_media_url_as_it_is(url: str) -> None:
    assert load({**GOOD, "LAUREL_MEDIA_URL": url}).media_url == "https://media.example/"


def test_a_bucket_that_is_not_set_says_so_by_its_name() -> None:
    assert media_bucket({"LAUREL_MEDIA_BUCKET": "laurel-media"}) == "laurel-media"
    assert media_bucket({"LAUREL_STAGE": "prod"}) == "laurel-prod-media-set-laurel-media-bucket"


def test_a_rebuild_waits_for_longer_than_functions_work_with_what_they_remember() -> None:
    assert load(GOOD).layout_grace == timedelta(seconds=70)
    assert [load({**GOOD, "LAUREL_CALLS": calls}).lean_calls for calls in ("lean", "botocore")] == [True, False]
    assert load({**GOOD, "LAUREL_LAYOUT_GRACE_SECONDS": "6"}).layout_grace == timedelta(seconds=6)


def test_hashes_are_compared_in_lower_case() -> None:
    assert load({**GOOD, "LAUREL_ADMIN_KEY_HASHES": f"{'AB' * 32}, {'0' * 64},"}).admin_key_hashes == (
        "ab" * 32,
        "0" * 64,
    )


def test_alarms_that_degrade_are_names_or_globs() -> None:
    assert load(GOOD).degrade_on == ("api-server-errors", "records-*", "ranks-*")
    assert load({**GOOD, "LAUREL_DEGRADE_ON": " rank-drift, *-errors,"}).degrade_on == ("rank-drift", "*-errors")
    assert load({**GOOD, "LAUREL_DEGRADE_ON": ""}).degrade_on == ()


def test_rules_are_read_by_mode() -> None:
    config = load({**GOOD, "LAUREL_GAME_RULES": '{"blitz": {"min_seconds": 5, "max_seconds": 60}}'})

    assert config.game_rules_by_mode == {"blitz": GameRules(min_seconds=5, max_seconds=60)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAUREL_SIGNING_KEYS", ""),
        ("LAUREL_MEDIA_URL", "media.example"),
        ("LAUREL_MEDIA_URL", "ftp://media.example"),
        ("LAUREL_MEDIA_URL", "https://media.example/ä"),
        ("LAUREL_AVATAR_CHECK", "studio"),
        ("LAUREL_AVATAR_CHECK", "studio:"),
        ("LAUREL_AVATAR_CHECK", ":check"),
        ("LAUREL_AVATAR_CHECK", "studio.checks:check()"),
        ("LAUREL_SIGNING_KEYS", "x" * 40),
        ("LAUREL_SIGNING_KEYS", f"a:{'x' * 31}"),
        ("LAUREL_SIGNING_KEYS", f":{'x' * 32}"),
        ("LAUREL_SIGNING_KEYS", f"a:{'x' * 32},a:{'y' * 32}"),
        ("LAUREL_SIGNING_KEYS", f"a:{'x' * 32},"),
        ("LAUREL_ADMIN_KEY_HASHES", "secret"),
        ("LAUREL_ADMIN_KEY_HASHES", "g" * 64),
        ("LAUREL_CALLS", "boto3"),
        ("LAUREL_DEGRADE_ON", "records-errors ranks-errors"),
        ("LAUREL_DEGRADE_ON", "records-[ab]*"),
        ("LAUREL_PUSH_APPLICATIONS", "fcm"),
        ("LAUREL_PUSH_APPLICATIONS", '{"fcm": 5}'),
        ("LAUREL_PUSH_APPLICATIONS", '{"F C M": "arn:aws:sns:eu-central-1:123456789012:app/GCM/laurel-dev-game"}'),
        ("LAUREL_PUSH_APPLICATIONS", '{"fcm": "arn:aws:sns:eu-central-1:123456789012:app/GCM/game"}'),
        ("LAUREL_PUSH_APPLICATIONS", '{"fcm": "arn:aws:sns:eu-central-1:123456789012:app/GCM/laurel-prod-game"}'),
        ("LAUREL_PUSH_APPLICATIONS", '{"fcm": "arn:aws:sns:eu-central-1:123456789012:app/SMOKE/laurel-dev-game"}'),
        ("LAUREL_PUSH_APPLICATIONS", '{"fcm": "arn:aws:sns:eu-central-1:123456789012:laurel-dev-notices"}'),
        ("LAUREL_LAYOUT_GRACE_SECONDS", "5"),
        ("LAUREL_LAYOUT_GRACE_SECONDS", "3601"),
        ("LAUREL_LAYOUT_GRACE_SECONDS", "a minute"),
        ("LAUREL_GAME_RULES", "{"),
        ("LAUREL_GAME_RULES", '{"blitz": {"min_seconds": "5"}}'),
        ("LAUREL_GAME_RULES", "[]"),
        ("LAUREL_GAME_RULES", '{"blitz": {"minimum": 5}}'),
        ("LAUREL_GAME_RULES", '{"blitz": {"min_seconds": 6, "max_seconds": 5}}'),
        ("LAUREL_GAME_RULES", '{"blitz": {"expires_seconds": 1000000000000}}'),
    ],
)
def test_errors_name_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load({**GOOD, name: value})


@pytest.mark.parametrize(
    ("handler", "name"),
    [("app.app", "app"), ("app.settle_records", "settle_records"), ("tracing_wrapper.handler", ""), ("", "")],
)
def test_a_function_is_known_by_its_handler_unless_another_one_is_wrapped_around_it(handler: str, name: str) -> None:
    assert function({"_HANDLER": handler}) == name


def test_errors_do_not_show_secrets() -> None:
    secret = "hunter2" * 4

    with pytest.raises(ConfigError) as caught:
        load({"LAUREL_SIGNING_KEYS": f"a:{secret}"})

    assert secret not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="LAUREL_SIGNING_KEYS is not set"):
        load({})
