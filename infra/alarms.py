"""Writes the alarms of tables into template.yaml and those of functions into edge.yaml: ``python -m infra.alarms``.

Each is made by the stack of its time: tables before functions, functions before the edge. They are alike but for their
names. Written out, they can be read, linted, compared and planned like anything else in
the template; a macro of CloudFormation's would hide them until they are deployed.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

TEMPLATE = Path(__file__).with_name("template.yaml")
EDGE = Path(__file__).with_name("edge.yaml")
CHALICE = Path(__file__).parents[1] / ".chalice" / "config.json"
BEGIN = "  # Written by `make alarms`, as is all up to the end of it: two for each {of}.\n"
END = "  # The end of what `make alarms` writes.\n"
TABLE = re.compile(
    r"^  (\w+):\n    Type: AWS::DynamoDB::Table\n(?:    .*\n)*?      TableName: !Sub laurel-\$\{Stage\}-(\w+)$",
    re.MULTILINE,
)
"""A table's logical id and its name, without its stage."""

ANSWERS_REQUESTS = {"api_handler", "player_authorizer"}
"""A failure is one player's, who tries again. A failure of any other function is work that waits."""

OF_FUNCTION = """\
  {id}{what}Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: HasAlarms
    Properties:
      AlarmName: !Sub laurel-${{Stage}}-{function}-{kind}
      AlarmDescription: {says} See docs/how-to/answer-an-alarm.md#function-{kind}.
      Namespace: AWS/Lambda
      MetricName: {what}
      Dimensions: [{{ Name: FunctionName, Value: !Sub "{deployed}" }}]
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 1
      Threshold: !Ref {threshold}
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Sub "arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:laurel-${{Stage}}-alarms"]
      OKActions: [!Sub "arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:laurel-${{Stage}}-alarms"]

"""
OF_TABLE = """\
  {id}{what}Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: HasAlarms
    Properties:
      AlarmName: !Sub laurel-${{Stage}}-{table}-{kind}
      AlarmDescription: {says} See docs/how-to/answer-an-alarm.md#table-{kind}.
      Metrics:
        - Id: calls
          ReturnData: true
          Period: 300
          Expression: !Sub >-
            SELECT SUM({metric}) FROM SCHEMA("AWS/DynamoDB", Operation, TableName) WHERE TableName = '${{{id}}}'
      EvaluationPeriods: 1
      Threshold: !Ref {threshold}
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref Alarms]
      OKActions: [!Ref Alarms]

"""


def main() -> None:
    TEMPLATE.write_text(with_tables(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    EDGE.write_text(with_functions(EDGE.read_text(encoding="utf-8"), functions()), encoding="utf-8")


def functions() -> list[str]:
    """Return what chalice calls the functions it deploys."""
    return list(json.loads(CHALICE.read_text(encoding="utf-8"))["lambda_functions"])


def with_tables(template: str) -> str:
    """Return template.yaml with the alarms of its own tables in their place."""
    return _with(template, "table", _of_tables(TABLE.findall(template)))


def with_functions(template: str, functions: list[str]) -> str:
    """Return edge.yaml with the alarms of these functions in their place."""
    return _with(template, "function", _of_functions(functions))


def _with(template: str, of: str, alarms: Iterable[str]) -> str:
    begin = BEGIN.format(of=of)
    before, rest = template.split(begin)
    _, after = rest.split(END)
    return "".join([before, begin, *alarms, END, after])


def _of_functions(functions: list[str]) -> Iterator[str]:
    for function in functions:
        names = {"id": function.title().replace("_", ""), "function": function, "deployed": _deployed(function)}
        errors = "RequestErrors" if function in ANSWERS_REQUESTS else "BackgroundErrors"
        says = f"Invocations of {function} failed."
        yield OF_FUNCTION.format(**names, kind="errors", what="Errors", threshold=errors, says=says)
        says = f"Lambda refused to run {function}."
        yield OF_FUNCTION.format(**names, kind="throttles", what="Throttles", threshold="Throttles", says=says)


def _deployed(function: str) -> str:
    # Chalice gives the function that answers the API the name of the app alone.
    return "laurel-${Stage}" if function == "api_handler" else f"laurel-${{Stage}}-{function}"


def _of_tables(tables: list[tuple[str, str]]) -> Iterator[str]:
    # A query adds up all operations there are: otherwise a table would take one metric for each.
    for logical_id, table in tables:
        names = {"id": logical_id, "table": table}
        says = f"Calls to the table of {table} failed on DynamoDB's side."
        yield OF_TABLE.format(
            **names, kind="errors", what="Errors", metric="SystemErrors", threshold="TableErrors", says=says
        )
        says = f"DynamoDB throttled calls to the table of {table}."
        yield OF_TABLE.format(
            **names,
            kind="throttles",
            what="Throttles",
            metric="ThrottledRequests",
            threshold="TableThrottles",
            says=says,
        )


if __name__ == "__main__":
    main()
