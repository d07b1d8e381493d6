"""Looks at untrusted bytes before any decoder does."""

from chalicelib.domain.avatars import MediaType, Refusal, Refused


def inspect(content: bytes, declared: MediaType) -> Refused | None:
    """Return why ``content`` is not decoded, or None when a decoder may have it."""
    if not content:
        return Refused(Refusal.EMPTY, f"the file is empty: upload a picture in {declared}")
    return None
