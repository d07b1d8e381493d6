"""What the renderer and its child say to each other."""

from msgspec import Struct

from chalicelib.domain.avatars import Crop, MediaType, Refused, Rendition

READY = b"+"
"""The child has loaded its decoders and given up its rights: from here on, what goes wrong is the picture's fault."""


class Task(Struct, frozen=True):
    """What the child is asked, as JSON on its command line; the upload comes on standard input."""

    declared: MediaType
    crop: Crop
    length: int
    """Bytes of the upload."""
    memory: int
    cpu_seconds: int


class Answer(Struct, frozen=True):
    """What the child found, as MessagePack after READY: one of the first three."""

    renditions: list[Rendition] = []
    refused: Refused | None = None
    missing: str = ""
    """The decoder that was not packaged: no picture's fault either."""
    secluded: bool = True
    """Whether the kernel kept the child from everything but computing."""
