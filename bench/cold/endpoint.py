"""An endpoint of AWS on this machine: over TLS, behind a certificate that one of Amazon's seems to have signed."""

import datetime as dt
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from botocore.httpsession import where
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.store.scripted import serving

_HOST = "localhost"


@contextmanager
def endpoint(folder: Path) -> Iterator[Mapping[str, str]]:
    """Answer every call with an empty object; yield the environment in which calls come here.

    Callers are told to believe all that botocore believes, and this certificate: they read as many as ever.
    """
    certificate = _certified(folder / "endpoint.pem")
    bundle = folder / "bundle.pem"
    known = Path(where()).read_text(encoding="utf-8")
    bundle.write_text(f'{known}\n# Label: "Amazon Root CA 0"\n{certificate}', encoding="utf-8")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "endpoint.pem")
    with serving(tls) as server:
        yield {"AWS_ENDPOINT_URL": server.url, "AWS_CA_BUNDLE": str(bundle)}


def _certified(path: Path) -> str:
    """Write a certificate that vouches for itself, and its key; return the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate + private)
    return certificate.decode()
