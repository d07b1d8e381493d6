"""Chalice's AWS client, for an emulator whose ImportRestApi and PutRestApi ignore the document they are given.

The API is built from the same document by the calls one would make by hand, and only when the document has changed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
from chalice.awsclient import TypedAWSClient

from local.layout import API_ID

Json = dict[str, Any]

# A document names none when the authorizer leaves the time to live to API Gateway, whose default this is.
DEFAULT_AUTHORIZER_TTL_SECONDS = 300


class LocalAWSClient(TypedAWSClient):
    """Deploys to the embedded AWS.

    Args:
        session: The embedded AWS's endpoint and credentials are its environment's.
        gateway_responses: A JSON file, the arguments of PutGatewayResponse by response type.
        published: A file this client writes the API's document to, and compares the next one with.
    """

    def __init__(self, session: botocore.session.Session, gateway_responses: Path, published: Path) -> None:
        super().__init__(session)
        # ministack calls a function pending for half a second, and serves it meanwhile; chalice would wait for 5 s.
        session.register("after-call.lambda.CreateFunction", _call_ready)
        session.register("after-call.lambda.UpdateFunctionCode", _call_ready)
        session.register("after-call.lambda.UpdateFunctionConfiguration", _call_ready)
        self._gateway: Any = session.create_client("apigateway")
        self._responses: Json = json.loads(gateway_responses.read_text())
        self._published = published

    def import_rest_api(self, swagger_document: Json, endpoint_type: str) -> str:
        # A deployment that failed half-way has left an API behind that chalice does not know of.
        if self.get_rest_api(API_ID):
            self.delete_rest_api(API_ID)
        self._create(swagger_document, endpoint_type)
        return API_ID

    def update_api_from_swagger(self, rest_api_id: str, swagger_document: Json) -> None:
        if self._signature(swagger_document) != self._published.read_text():
            endpoint_type = self.get_rest_api(rest_api_id)["endpointConfiguration"]["types"][0]
            self.import_rest_api(swagger_document, endpoint_type)

    def update_rest_api(self, rest_api_id: str, patch_operations: list[Json]) -> None:
        # Chalice gives the compression size as a number, or as '' for none, and botocore takes neither.
        patches = [{**patch, "value": str(patch["value"])} for patch in patch_operations if patch["value"] != ""]
        super().update_rest_api(rest_api_id, patches)

    def _create(self, document: Json, endpoint_type: str) -> None:
        self._gateway.create_rest_api(
            name=document["info"]["title"],
            endpointConfiguration={"types": [endpoint_type]},
            binaryMediaTypes=document.get("x-amazon-apigateway-binary-media-types", []),
            # Chosen by us, so that the URL stays the same over restarts.
            tags={"ms-custom-id": API_ID},
        )
        for response_type, response in self._responses.items():
            self._gateway.put_gateway_response(restApiId=API_ID, responseType=response_type, **response)
        _Routes(self._gateway, document).build()
        self._published.write_text(self._signature(document))

    def _signature(self, document: Json) -> str:
        return json.dumps([document, self._responses], sort_keys=True)


def _call_ready(**response: Any) -> None:
    response["parsed"].update(State="Active", LastUpdateStatus="Successful")


class _Routes:
    """Builds the resources, methods and integrations of a document on an empty API."""

    def __init__(self, gateway: Any, document: Json) -> None:
        self._gateway = gateway
        self._paths: Json = document["paths"]
        self._schemes: Json = document.get("securityDefinitions", {})
        root = gateway.get_resources(restApiId=API_ID)["items"][0]["id"]
        self._resource_ids_by_path: dict[str, str] = {"": root}

    def build(self) -> None:
        authorizer_ids = {
            name: self._create_authorizer(name, scheme, scheme["x-amazon-apigateway-authorizer"])
            for name, scheme in self._schemes.items()
            if "x-amazon-apigateway-authorizer" in scheme
        }
        for path, operations in self._paths.items():
            resource_id = self._resource_id(path.rstrip("/"))
            for method, operation in operations.items():
                address = {"restApiId": API_ID, "resourceId": resource_id, "httpMethod": method.upper()}
                self._put_method(address, operation, authorizer_ids)
                self._put_integration(address, operation["x-amazon-apigateway-integration"])

    def _create_authorizer(self, name: str, scheme: Json, authorizer: Json) -> str:
        created = self._gateway.create_authorizer(
            restApiId=API_ID,
            name=name,
            type=authorizer["type"].upper(),
            authorizerUri=authorizer["authorizerUri"],
            identitySource=f"method.request.header.{scheme['name']}",
            authorizerResultTtlInSeconds=authorizer.get("authorizerResultTtlInSeconds", DEFAULT_AUTHORIZER_TTL_SECONDS),
        )
        return str(created["id"])

    def _resource_id(self, path: str) -> str:
        if path not in self._resource_ids_by_path:
            parent, _, part = path.rpartition("/")
            created = self._gateway.create_resource(restApiId=API_ID, parentId=self._resource_id(parent), pathPart=part)
            self._resource_ids_by_path[path] = str(created["id"])
        return self._resource_ids_by_path[path]

    def _put_method(self, address: Json, operation: Json, authorizer_ids: dict[str, str]) -> None:
        schemes = list(_scheme_names(operation))
        authorizer_id = next((authorizer_ids[name] for name in schemes if name in authorizer_ids), None)
        authorization = (
            {"authorizationType": "CUSTOM", "authorizerId": authorizer_id}
            if authorizer_id
            else {"authorizationType": "NONE"}
        )
        self._gateway.put_method(**address, **authorization, apiKeyRequired="api_key" in schemes)

    def _put_integration(self, address: Json, integration: Json) -> None:
        if integration["type"] == "mock":
            self._put_preflight(address, integration)
        else:
            self._gateway.put_integration(
                **address, type=integration["type"].upper(), integrationHttpMethod="POST", uri=integration["uri"]
            )

    def _put_preflight(self, address: Json, integration: Json) -> None:
        self._gateway.put_integration(**address, type="MOCK", requestTemplates=integration["requestTemplates"])
        for response in integration["responses"].values():
            headers = response["responseParameters"]
            answer = {**address, "statusCode": response["statusCode"]}
            self._gateway.put_method_response(**answer, responseParameters=dict.fromkeys(headers, False))
            self._gateway.put_integration_response(**answer, responseParameters=headers)


def _scheme_names(operation: Json) -> Iterator[str]:
    for requirement in operation.get("security", []):
        yield from requirement
