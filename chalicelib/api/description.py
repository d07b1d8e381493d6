"""GET /openapi.json: what there is to call."""

from typing import Any

from chalicelib.api import openapi, resources
from chalicelib.api.routing import Api

api = Api("main")


@api.route("GET", "/openapi.json")
def description() -> dict[str, Any]:
    """Return the description of this API: an OpenAPI 3.1 document."""
    return openapi.document(resources.operations())
