"""What chalice cannot say of a function's subscription to a stream, said after each deployment."""

import json
from pathlib import Path

from local.layout import STAGE, STREAM_MAPPING
from local.resources import client

FUNCTION = f"laurel-{STAGE}-settle_records"


def complete(endpoint: str, dead_letters_arn: str, settings: Path = STREAM_MAPPING) -> None:
    """Give the subscription of the records' stream its settings, and its batches that are given up a place to go to.

    An app without such a function is left as it is.
    """
    functions = client("lambda", endpoint)
    for mapping in functions.list_event_source_mappings(FunctionName=FUNCTION)["EventSourceMappings"]:
        functions.update_event_source_mapping(
            UUID=mapping["UUID"],
            DestinationConfig={"OnFailure": {"Destination": dead_letters_arn}},
            **json.loads(settings.read_text()),
        )
