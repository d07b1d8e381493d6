"""What the demo does as whoever runs Laurel: makes boards and seasons, and looks at what is kept of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from deploy.target import Target
from local.demo.client import DemoError, Json
from local.layout import ACCOUNT, TABLE_PREFIX

KEEP_SEASONS = "keep_seasons"
EXPORTS_BUCKET = f"{TABLE_PREFIX}exports-{ACCOUNT}"


@dataclass(frozen=True, slots=True)
class Operator:
    admin_key: str
    target: Target

    @property
    def authorization(self) -> Mapping[str, str]:
        return {"X-Laurel-Admin-Key": self.admin_key}

    def keep_seasons(self, **request: str) -> Json:
        """Do at once what the schedule does every minute, and return what was done."""
        function = f"{TABLE_PREFIX}{KEEP_SEASONS}"
        try:
            answer = self.target.client("lambda").invoke(FunctionName=function, Payload=json.dumps(request))
        except (BotoCoreError, ClientError) as error:
            raise DemoError(f"{KEEP_SEASONS} could not be called: {error}") from error
        done: Json = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise DemoError(f"{KEEP_SEASONS} failed: {done}")
        return done

    def stored(self, key: str) -> bytes:
        """Return a file of the bucket of exports, where archives are."""
        try:
            content: bytes = self.target.client("s3").get_object(Bucket=EXPORTS_BUCKET, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise DemoError(f"{key} of {EXPORTS_BUCKET} could not be read: {error}") from error
        return content
