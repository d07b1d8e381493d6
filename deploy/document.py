"""The API's document as chalice makes it, and what chalice cannot say: a name of its stage, gateway responses, keys."""

import copy
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chalice.deploy.swagger import TemplatedSwaggerGenerator

Json = dict[str, Any]

API_KEY = {"type": "apiKey", "name": "x-api-key", "in": "header"}


class StageSwaggerGenerator(TemplatedSwaggerGenerator):
    """Makes the document of one stage's API.

    Args:
        title: The name of the API, by which a later deployment finds it.
        gateway_responses: A JSON file: by response type, the arguments of PutGatewayResponse.
        key_required: Paths; a request to one of them, or below it, needs an API key.
    """

    def __init__(self, title: str, gateway_responses: Path, key_required: Iterable[str] = ()) -> None:
        super().__init__()
        self._title = title
        self._gateway_responses: Json = json.loads(gateway_responses.read_text())
        self._key_required = tuple(key_required)

    def generate_swagger(self, app: Any, rest_api: Any = None) -> Json:
        document: Json = super().generate_swagger(app, rest_api)
        return completed(document, self._title, self._gateway_responses, self._key_required)


def completed(document: Json, title: str, gateway_responses: Json, key_required: Iterable[str]) -> Json:
    """Return a copy of chalice's document with what it leaves out; see ``StageSwaggerGenerator``."""
    document = copy.deepcopy(document)
    document["info"]["title"] = title
    document["x-amazon-apigateway-gateway-responses"] = gateway_responses
    prefixes = tuple(path.rstrip("/") for path in key_required)
    for path, operations in document["paths"].items():
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes):
            document.setdefault("securityDefinitions", {})["api_key"] = API_KEY
            _require_key(operations)
    return document


def digest(document: Any) -> str:
    """Return what tells one document from another; ARNs that chalice fills in later do not count."""
    text = json.dumps(document, sort_keys=True, default=lambda unresolved: unresolved.template)
    return hashlib.sha256(text.encode()).hexdigest()


def _require_key(operations: Json) -> None:
    # A preflight comes from the browser itself, which has no key.
    for method, operation in operations.items():
        if method != "options" and {"api_key": []} not in operation.setdefault("security", []):
            operation["security"].append({"api_key": []})
