"""Whose certificates TLS believes: those of a bundle, most of which are never asked about.

Reading the hundred and some authorities that botocore brings takes a tenth of a cold start. AWS's endpoints show
certificates of Amazon's own, which are read first; where these do not vouch for a host, all the others are read too.
Whom we believe is the same either way. https://www.amazontrust.com/repository/
"""

import re
import ssl
from pathlib import Path

_AMAZONS = re.compile(
    r'^# Label: "(?:Amazon Root CA|Starfield Services Root)[^"]*"\n(?:#.*\n)*'
    r"(-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----)",
    re.MULTILINE,
)
"""As bundles made from Mozilla's list say what follows, botocore's among them."""


class Trust:
    """A bundle of certificates, read as far as it is needed; threads may share it.

    Args:
        bundle: A file of certificates in PEM; None for those of the system.
    """

    def __init__(self, bundle: str | None) -> None:
        self._bundle = bundle
        amazons = _amazons(bundle) if bundle else ""
        self._all = None if amazons else self._read()
        self._context = self._all or ssl.create_default_context(cadata=amazons)

    @property
    def context(self) -> ssl.SSLContext:
        """Return what to open connections with."""
        return self._context

    def widened(self, refusing: ssl.SSLContext) -> bool:
        """Believe the whole bundle from now on; False where the context that refused a host did so already."""
        if refusing is self._all:
            return False
        if self._all is None:
            self._all = self._context = self._read()
        return True

    def _read(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._bundle)


def _amazons(bundle: str) -> str:
    return "\n".join(_AMAZONS.findall(Path(bundle).read_text(encoding="utf-8")))
