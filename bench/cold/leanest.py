"""The leanest function with PynamoDB that we can write: one model, one read, no framework. What Laurel is compared to.

It is packaged and started in the ways of which Laurel's package and start are made, one by one.
"""

from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model


class Board(Model):
    """A row of the boards table. The region is stated, so that none is looked for."""

    class Meta:
        table_name = "laurel-test-boards"
        region = "us-east-1"

    board_id = UnicodeAttribute(hash_key=True)
    title = UnicodeAttribute()


def handler(event: dict[str, Any], context: Any) -> str:
    del context
    return Board.get(event["pathParameters"]["board_id"]).title
