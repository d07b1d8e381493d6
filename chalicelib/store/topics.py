"""Topics of SNS: texts for whoever has subscribed."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from chalicelib.store.clients import ClientFailedError, Clients, calling

_PER_REQUEST = 10
_MAX_BYTES = 250_000
"""A request takes 256 KB; attributes and subjects have the rest."""


class Post(Struct, frozen=True):
    """A text, and what subscribers may know of it without reading it."""

    text: str
    subject: str
    attributes: dict[str, str]


class Topic:
    """A topic by its ARN; "" where a deployment has none."""

    def __init__(self, arn: str, clients: Clients) -> None:
        self.arn = arn
        self._clients = clients

    def publish(self, posts: Iterable[Post]) -> int:
        """Publish all posts and return how many. A request for ten, or 250 KB.

        Raises:
            ClientFailedError: SNS did not take all of them; some have been published.
        """
        if not self.arn:
            raise ClientFailedError("there is no topic")
        published = 0
        for batch in _batches(posts):
            with calling():
                reply = self._clients.of("sns").publish_batch(TopicArn=self.arn, PublishBatchRequestEntries=batch)
            if reply.get("Failed"):
                raise ClientFailedError(reply["Failed"][0]["Code"])
            published += len(batch)
        return published


def _batches(posts: Iterable[Post]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for number, post in enumerate(posts):
        more = len(post.text.encode())
        if len(batch) == _PER_REQUEST or (batch and size + more > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(_entry(str(number), post))
        size += more
    if batch:
        yield batch


def _entry(entry_id: str, post: Post) -> dict[str, Any]:
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in post.attributes.items()}
    return {"Id": entry_id, "Message": post.text, "Subject": post.subject, "MessageAttributes": attributes}
