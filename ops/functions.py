"""Calls of a deployment's own functions: with their rights, next to their data, and the same here and on AWS.

STAGE names the deployment: ``local``, the default, is `make run`, found on PORT; any other is looked for in the AWS
account and region of the environment, as the AWS tools look.
"""

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from local.layout import ACCESS_KEY, DEFAULT_PORT, LOOPBACK, REGION, SECRET_KEY
from local.layout import STAGE as LOCAL

LONGEST_CALL_SECONDS = 15 * 60


class CommandError(Exception):
    """The command could not be carried out; the message says why and what to do."""


class Functions:
    """The functions of one deployment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.stage = environ.get("STAGE") or LOCAL
        self._port = environ.get("PORT") or str(DEFAULT_PORT)
        # A call that was cut off may have done its work: whoever asks decides whether to ask again.
        config = Config(read_timeout=LONGEST_CALL_SECONDS, connect_timeout=5, retries={"total_max_attempts": 1})
        self._client = self.client("lambda", config)

    def client(self, service: str, config: Config | None = None) -> Any:
        """Return a botocore client of the place where the deployment is, or raise CommandError."""
        try:
            return botocore.session.Session().create_client(service, config=config, **self._place())
        except BotoCoreError as error:
            raise CommandError(f"The AWS settings of this environment do not do: {error}") from error

    def call(self, function: str, request: Any = None) -> Any:
        """Return what a function answers, or raise CommandError."""
        name = f"laurel-{self.stage}-{function}"
        try:
            reply = self._client.invoke(FunctionName=name, Payload=json.dumps(request))
        except EndpointConnectionError as error:
            raise CommandError(self._nobody_there(str(error))) from error
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"{name} could not be called: {error}") from error
        answer = json.loads(reply["Payload"].read())
        if "FunctionError" in reply:
            raise CommandError(f"{name} failed: {answer.get('errorMessage', answer)}")
        return answer

    def _place(self) -> dict[str, Any]:
        if self.stage != LOCAL:
            return {}
        return {
            "endpoint_url": f"http://{LOOPBACK}:{self._port}",
            "region_name": REGION,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
        }

    def _nobody_there(self, problem: str) -> str:
        if self.stage != LOCAL:
            return problem
        return f"No Laurel runs on port {self._port}: start one with `make run`, or name another deployment with STAGE."
