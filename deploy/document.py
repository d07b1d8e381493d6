"""The API's document as chalice makes it, and what chalice cannot say: a name of its stage, and gateway responses."""

from pathlib import Path
from typing import Any

from chalice.deploy.swagger import TemplatedSwaggerGenerator


class StageSwaggerGenerator(TemplatedSwaggerGenerator):
    """Adds ``x-amazon-apigateway-gateway-responses``, and names the API after its stage.

    Args:
        title: The name of the API, by which a later deployment finds it.
        gateway_responses: A JSON file: by response type, the arguments of PutGatewayResponse.
    """

    def __init__(self, title: str, gateway_responses: Path) -> None:
        super().__init__()
        self._title = title
        self._gateway_responses = gateway_responses

    def generate_swagger(self, app: Any, rest_api: Any = None) -> dict[str, Any]:
        raise NotImplementedError
