"""The secrets of one local run: made on its first start, kept with its data."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "credentials.json"
SIGNING_KEY_ID = "local-1"
SECRET_BYTES = 32
OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Credentials:
    admin_key: str
    signing_secret: str

    def environment(self) -> dict[str, str]:
        """Return what the deployed functions are told: never the admin key itself."""
        return {
            "LAUREL_SIGNING_KEYS": f"{SIGNING_KEY_ID}:{self.signing_secret}",
            "LAUREL_ADMIN_KEY_HASHES": hashlib.sha256(self.admin_key.encode()).hexdigest(),
        }


def kept_in(directory: Path) -> Credentials:
    """Return the credentials kept in ``directory``, making them on first use."""
    file = directory / FILE_NAME
    if file.exists():
        return Credentials(**json.loads(file.read_text()))
    made = Credentials(
        admin_key=secrets.token_urlsafe(SECRET_BYTES), signing_secret=secrets.token_urlsafe(SECRET_BYTES)
    )
    file.touch(mode=OWNER_ONLY)
    file.write_text(json.dumps(asdict(made)))
    return made
