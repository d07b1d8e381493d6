"""What Lambda hands to a handler beside the event, as far as it is read."""

from dataclasses import dataclass

HOUR = 3_600_000


@dataclass(slots=True)
class Context:
    """Milliseconds are left; each look at the clock takes its time."""

    function_name: str = "laurel-test"
    milliseconds: int = HOUR
    look: int = 0
    aws_request_id: str = "request-1"
    function_version: str = "7"
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:laurel-test-any"

    def get_remaining_time_in_millis(self) -> int:
        self.milliseconds -= self.look
        return self.milliseconds
