"""The one reader of the environment: every setting, its default and its rule."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from chalicelib.domain.game_rules import DEFAULT_RULES, GameRules

MIN_SECRET_LENGTH = 32
SHA256_HEX_LENGTH = 64
YEAR_SECONDS = 365 * 24 * 3600
DEFAULT_GRACE_SECONDS = 70
"""A board's definition is remembered for 5 s, and the longest function that writes with it in hand runs for 60 s."""
DEFAULT_DEGRADE_ON = "api-server-errors,records-*,ranks-*"
"""Requests fail, or the tables that standings are read from do not bear what is asked of them."""
ALARM_CHANGED = "CloudWatch Alarm State Change"
ALARM_CONFIGURED = "CloudWatch Alarm Configuration Change"
_GLOB = re.compile(r"[A-Za-z0-9_*?-]{1,255}")
_PLATFORM = re.compile("[a-z][a-z0-9_]{0,31}")
_APPLICATION = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/(APNS|APNS_SANDBOX|GCM)/(?P<name>[\w.-]+)")
MIN_GRACE_SECONDS, MAX_GRACE_SECONDS = 6, 3600


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    """How LAUREL_GAME_RULES spells a mode's rules."""

    min_seconds: int = DEFAULT_RULES.min_seconds
    max_seconds: int = DEFAULT_RULES.max_seconds
    expires_seconds: int = DEFAULT_RULES.expires_seconds


class ConfigError(Exception):
    """A setting is missing or malformed; the message names the variable and the rule."""


class SigningKey(msgspec.Struct, frozen=True):
    key_id: str
    secret: str


class Config(msgspec.Struct, frozen=True):
    stage: str
    table_prefix: str
    signing_keys: tuple[SigningKey, ...]
    admin_key_hashes: tuple[str, ...]
    game_rules_by_mode: Mapping[str, GameRules]
    layout_grace: timedelta = timedelta(seconds=DEFAULT_GRACE_SECONDS)
    """How long after a change of layouts somebody may still work with those before it."""

    lean_calls: bool = True
    """False: botocore makes the calls to DynamoDB by itself, at several times the processor time."""

    exports_bucket: str = ""
    """Where exports go; "": nowhere, they are refused."""

    notices_topic: str = ""
    """The ARN of the topic that notices are published to; "": they stay where they are written down."""

    degrade_on: tuple[str, ...] = ()
    """The names of alarms, or globs, that switch to the degraded mode, without what those of the stage begin with."""

    push_applications: Mapping[str, str] = {}
    """The ARNs of SNS's platform applications, by the names that games know the platforms by."""
    media_bucket: str = ""
    """Where players upload pictures, and avatars are; "": nowhere, uploads are refused."""

    media_url: str = ""
    """What the keys of avatars are appended to, with its last slash."""

    avatar_check: str = ""
    """The studio's own check of avatars, as ``module:function``; "": all are published."""

    def table(self, noun: str) -> str:
        return f"{self.table_prefix}{noun}"

    def queue(self, noun: str) -> str:
        return f"{self.table_prefix}{noun}"


def stage(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the deployment, for logs; never fails."""
    return environ.get("LAUREL_STAGE", "dev")


def function(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name, in app.py, of the one function that Lambda runs this process as.

    "" where it runs as any: outside Lambda, or behind a wrapper whose handler is named instead.
    """
    module, _, name = environ.get("_HANDLER", "").partition(".")
    return name if module == "app" else ""


def records_stream_arn(environ: Mapping[str, str] = os.environ) -> str:
    """Return the stream that `chalice deploy` subscribes to; never fails.

    The deployed functions do not need it. Where it is not set, the name of the stream says what to do, should anybody
    subscribe to it.
    """
    records = f"arn:aws:dynamodb:us-east-1:000000000000:table/laurel-{stage(environ)}-records"
    return environ.get("LAUREL_RECORDS_STREAM_ARN", f"{records}/stream/set-LAUREL_RECORDS_STREAM_ARN")


def notices_topic(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the topic that `chalice deploy` subscribes to; never fails.

    The name, not the ARN: chalice knows a subscription again by the name of its topic, and makes it anew otherwise.
    """
    return f"laurel-{stage(environ)}-notices"


def media_bucket(environ: Mapping[str, str] = os.environ) -> str:
    """Return the bucket that `chalice deploy` subscribes to; never fails.

    The deployed functions do not need it to be called. Where it is not set, its name says what to do.
    """
    return environ.get("LAUREL_MEDIA_BUCKET", f"laurel-{stage(environ)}-media-set-laurel-media-bucket")


def alarm_prefix(environ: Mapping[str, str] = os.environ) -> str:
    """Return what the names of this stage's alarms begin with, and of no other's: a stage has no hyphen in it."""
    return f"laurel-{stage(environ)}-"


def alarm_pattern(environ: Mapping[str, str] = os.environ) -> dict[str, object]:
    """Return which of EventBridge's events tell of this stage's alarms: of their changes and their end; never fails."""
    name = [{"prefix": alarm_prefix(environ)}]
    return {
        "source": ["aws.cloudwatch"],
        "detail-type": [ALARM_CHANGED, ALARM_CONFIGURED],
        # A change of state has no operation.
        "detail": {"alarmName": name, "operation": [{"exists": False}, "delete"]},
    }


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Return the settings, or raise ConfigError naming the first variable that is wrong."""
    return Config(
        stage=stage(environ),
        table_prefix=environ.get("LAUREL_TABLE_PREFIX", f"laurel-{stage(environ)}-"),
        signing_keys=_signing_keys(_required(environ, "LAUREL_SIGNING_KEYS")),
        admin_key_hashes=_hashes(environ.get("LAUREL_ADMIN_KEY_HASHES", "")),
        game_rules_by_mode=_game_rules(environ.get("LAUREL_GAME_RULES", "{}")),
        lean_calls=_lean(environ.get("LAUREL_CALLS", "lean")),
        exports_bucket=environ.get("LAUREL_EXPORTS_BUCKET", ""),
        notices_topic=environ.get("LAUREL_NOTICES_TOPIC", ""),
        degrade_on=_globs(environ.get("LAUREL_DEGRADE_ON", DEFAULT_DEGRADE_ON)),
        push_applications=_push_applications(environ.get("LAUREL_PUSH_APPLICATIONS", ""), f"laurel-{stage(environ)}-"),
        media_bucket=environ.get("LAUREL_MEDIA_BUCKET", ""),
        media_url=_folder(environ.get("LAUREL_MEDIA_URL", "")),
        avatar_check=_check(environ.get("LAUREL_AVATAR_CHECK", "")),
        layout_grace=_grace(environ.get("LAUREL_LAYOUT_GRACE_SECONDS", str(DEFAULT_GRACE_SECONDS))),
    )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set")
    return value


def _signing_keys(text: str) -> tuple[SigningKey, ...]:
    keys = tuple(_signing_key(part) for part in text.split(","))
    if len({key.key_id for key in keys}) != len(keys):
        raise ConfigError("LAUREL_SIGNING_KEYS names a key id twice; every key needs an id of its own")
    return keys


def _signing_key(text: str) -> SigningKey:
    key_id, colon, secret = text.strip().partition(":")
    if not key_id or not colon or len(secret) < MIN_SECRET_LENGTH:
        rule = f"must be <id>:<secret>[,<id>:<secret>], each secret of at least {MIN_SECRET_LENGTH} characters"
        raise ConfigError(f"LAUREL_SIGNING_KEYS {rule}; the first signs, all are accepted")
    return SigningKey(key_id, secret)


def _grace(text: str) -> timedelta:
    if not (text.isascii() and text.isdigit() and MIN_GRACE_SECONDS <= int(text) <= MAX_GRACE_SECONDS):
        rule = f"must be a number from {MIN_GRACE_SECONDS} to {MAX_GRACE_SECONDS}"
        raise ConfigError(f"LAUREL_LAYOUT_GRACE_SECONDS {rule}, not {text!r}")
    return timedelta(seconds=int(text))


def _push_applications(text: str, prefix: str) -> Mapping[str, str]:
    """Return the ARNs by platform; functions may use applications whose names begin with ``prefix``, and no others."""
    try:
        arn_by_platform = msgspec.json.decode(text or "{}", type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise ConfigError(f"LAUREL_PUSH_APPLICATIONS must map platforms to ARNs as JSON: {error}") from error
    for platform, arn in arn_by_platform.items():
        application = _APPLICATION.fullmatch(arn)
        if not _PLATFORM.fullmatch(platform) or application is None or not application["name"].startswith(prefix):
            rule = "expected a name of a-z, 0-9 and _, and the ARN of an SNS application of APNS, APNS_SANDBOX or GCM"
            raise ConfigError(f"LAUREL_PUSH_APPLICATIONS: {platform}: {rule}, named {prefix}...")
    return arn_by_platform


def _folder(url: str) -> str:
    if url and not (url.startswith(("https://", "http://")) and url.isascii() and url.isprintable()):
        raise ConfigError(f"LAUREL_MEDIA_URL must begin with https:// or http://, not {url!r}")
    return f"{url.rstrip('/')}/" if url else ""


def _check(name: str) -> str:
    module, _, function = name.partition(":")
    if name and not (function.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise ConfigError(f"LAUREL_AVATAR_CHECK must be <module>:<function>, not {name!r}")
    return name


def _globs(text: str) -> tuple[str, ...]:
    globs = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(map(_GLOB.fullmatch, globs)):
        raise ConfigError("LAUREL_DEGRADE_ON must be names of alarms, * and ? in them, separated by commas")
    return globs


def _lean(text: str) -> bool:
    if text not in {"lean", "botocore"}:
        raise ConfigError(f"LAUREL_CALLS must be lean or botocore, not {text!r}")
    return text == "lean"


def _hashes(text: str) -> tuple[str, ...]:
    hashes = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if any(len(part) != SHA256_HEX_LENGTH or set(part) - set("0123456789abcdef") for part in hashes):
        raise ConfigError("LAUREL_ADMIN_KEY_HASHES must be SHA-256 digests in hex, separated by commas")
    return hashes


def _game_rules(text: str) -> Mapping[str, GameRules]:
    try:
        rules_by_mode = msgspec.json.decode(text, type=dict[str, _Rules])
    except msgspec.MsgspecError as error:
        raise ConfigError(f"LAUREL_GAME_RULES must map a mode to its rules as JSON: {error}") from error
    for mode, rules in rules_by_mode.items():
        if not 0 <= rules.min_seconds <= rules.max_seconds <= rules.expires_seconds <= YEAR_SECONDS:
            order = f"0 <= min_seconds <= max_seconds <= expires_seconds <= {YEAR_SECONDS}"
            raise ConfigError(f"LAUREL_GAME_RULES: {mode}: expected {order}")
    return {mode: GameRules(*msgspec.structs.astuple(rules)) for mode, rules in rules_by_mode.items()}
