"""Functions of a deployment that say what they are told to."""

from typing import Any

from ops.functions import Functions


class Answering(Functions):
    """Answers what it is given, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.stage = "prod"
        self.asked: list[tuple[str, Any]] = []
        self._answers = list(answers)

    def call(self, function: str, request: Any = None) -> Any:
        self.asked.append((function, request))
        return self._answers.pop(0)
