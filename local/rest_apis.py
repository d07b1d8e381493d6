"""ImportRestApi and PutRestApi, as chalice needs them, for an emulator that ignores the documents they are given.

Runs in the emulator's process, and puts a document's parts together from what the emulator does for CloudFormation.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1  # type: ignore[import-untyped]  # ships no types

from local.layout import API_ID, API_NAME

Json = dict[str, Any]

BINARY_TYPES = "x-amazon-apigateway-binary-media-types"
GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
INTEGRATION = "x-amazon-apigateway-integration"


def take_documents() -> None:
    """Answer ImportRestApi, and PutRestApi that overwrites, by what their documents say."""
    handle = apigateway_v1.handle_request

    async def handle_documents(method: str, path: str, headers: Any, body: bytes, query: Mapping[str, Any]) -> Any:
        _, _, api_id = path.strip("/").partition("/")
        if method == "POST" and path.strip("/") == "restapis" and "import" in str(query.get("mode")):
            return imported(json.loads(body), str(_first(query.get("endpointConfigurationTypes", "EDGE"))))
        if method == "PUT" and path.startswith("/restapis/") and "/" not in api_id:
            return overwritten(api_id, json.loads(body))
        return await handle(method, path, headers, body, query)

    apigateway_v1.handle_request = handle_documents


def imported(document: Json, endpoint_type: str) -> Any:
    """Return the answer of ImportRestApi.

    The API of the local run gets an id of our choice, so that its URL stays the same over restarts.
    """
    ours = document["info"]["title"] == API_NAME and API_ID not in apigateway_v1._rest_apis
    tags = {"ms-custom-id": API_ID} if ours else {}
    api_id = _built(document, {"endpointConfiguration": {"types": [endpoint_type]}, "tags": tags})
    return apigateway_v1._v1_response(apigateway_v1._rest_api_view(apigateway_v1._rest_apis[api_id]), 201)


def overwritten(api_id: str, document: Json) -> Any:
    """Return the answer of PutRestApi. Requests see the API as it was or as it will be, and nothing between."""
    api = apigateway_v1._rest_apis.get(api_id)
    if api is None:
        return apigateway_v1._get_rest_api(api_id)
    model = _built(document, {})
    for parts in (apigateway_v1._resources, apigateway_v1._authorizers_v1, apigateway_v1._gateway_responses):
        parts[api_id] = parts[model]
    api.update({key: apigateway_v1._rest_apis[model][key] for key in ("name", "version", "binaryMediaTypes")})
    apigateway_v1._delete_rest_api(model)
    return apigateway_v1._v1_response(apigateway_v1._rest_api_view(api))


def _built(document: Json, settings: Json) -> str:
    """Make an API of a document, and return its id."""
    binary_types = document.get(BINARY_TYPES, [])
    api_id = str(apigateway_v1._import_rest_api(document, {**settings, "binaryMediaTypes": binary_types}))
    for kind, response in document.get(GATEWAY_RESPONSES, {}).items():
        apigateway_v1._put_gateway_response(api_id, kind, response)
    resources = apigateway_v1._resources[api_id]
    resource_ids_by_path = {resource["path"].rstrip("/"): key for key, resource in resources.items()}
    for path, operations in document["paths"].items():
        if preflight := operations.get("options"):
            _complete_preflight(api_id, resource_ids_by_path[path.rstrip("/")], preflight[INTEGRATION])
    return api_id


def _complete_preflight(api_id: str, resource_id: str, integration: Json) -> None:
    """Give the answer to OPTIONS its headers, which the emulator leaves out of what it imports."""
    at = (api_id, resource_id, "OPTIONS")
    apigateway_v1._put_integration(*at, {"type": "MOCK", "requestTemplates": integration["requestTemplates"]})
    for response in integration["responses"].values():
        status, headers = response["statusCode"], response["responseParameters"]
        apigateway_v1._put_method_response(*at, status, {"responseParameters": dict.fromkeys(headers, False)})
        apigateway_v1._put_integration_response(*at, status, {"responseParameters": headers})


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value
