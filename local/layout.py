"""Where things are, and what the parts of the local run call one another."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STATE_DIR = CHECKOUT / ".local" / "state"

STAGE = "local"
TABLE_PREFIX = "laurel-local-"
LOG_GROUP = "/aws/lambda/laurel-local"
LAYOUT_GRACE_SECONDS = 6
"""How long a rebuild waits for writers of old. Nothing here works on for longer, as functions on AWS may."""
API_ID = "laurel"
API_NAME = "laurel-local"
API_STAGE = "api"
API_PATH = f"/_aws/execute-api/{API_ID}/{API_STAGE}/"

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 4670
REGION = "us-east-1"
ACCOUNT = "000000000000"
MEDIA_BUCKET = f"laurel-{STAGE}-media-{ACCOUNT}"
# Whoever uses these may do anything in the embedded AWS. They keep a developer's real profile out of every client.
ACCESS_KEY = "local"
SECRET_KEY = "local"  # noqa: S105  (guards nothing, see above)
ASKED = "asked.jsonl"
"""What those without all permissions asked of the embedded AWS, a line each: caller, action, resource and keys."""
