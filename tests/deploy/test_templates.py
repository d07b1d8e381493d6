import json
from pathlib import Path
from typing import Any

from deploy import templates
from deploy.layout import EDGE, TEMPLATE
from deploy.retained import DELETE_BY_KIND

SHORT = """
# A remark.
Resources:
  Kept: {Type: A, DeletionPolicy: RetainExceptOnCreate, Properties: {Name: !Sub "x-${Stage}"}}
  Gone: {Type: B, DeletionPolicy: Delete, Properties: {Of: !GetAtt Kept.Arn.Deep, At: !Ref Kept}}
  Also: {Type: B, Condition: Often, Properties: {Either: !If [Often, 1, !Ref "AWS::NoValue"]}}
Conditions:
  Often: !Not [!Condition Seldom]
Outputs:
  Name: {Value: !Ref Gone}
"""


def test_short_functions_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(SHORT)

    document = templates.read(file)

    assert document["Resources"]["Gone"]["Properties"] == {
        "Of": {"Fn::GetAtt": ["Kept", "Arn.Deep"]},
        "At": {"Ref": "Kept"},
    }
    assert document["Resources"]["Also"]["Properties"] == {"Either": {"Fn::If": ["Often", 1, {"Ref": "AWS::NoValue"}]}}
    assert document["Conditions"] == {"Often": {"Fn::Not": [{"Condition": "Seldom"}]}}


def test_a_template_is_sent_as_json() -> None:
    assert json.loads(templates.body(EDGE)) == templates.read(EDGE)


def test_the_repositorys_templates_fit_into_a_call() -> None:
    for file in (TEMPLATE, EDGE):
        assert len(templates.body(file).encode()) <= templates.MAX_BYTES


def test_what_is_kept_refers_to_nothing_that_goes() -> None:
    document = templates.read(TEMPLATE)
    kept = templates.data_only(document)

    assert set(kept["Resources"]) < set(document["Resources"])
    assert set(_referred(kept["Resources"])) <= {*kept["Resources"], *kept["Parameters"], "AWS::AccountId"}
    assert "Outputs" not in kept


def test_everything_that_is_kept_can_be_deleted_for_good() -> None:
    kinds = {resource["Type"] for resource in templates.data_only(templates.read(TEMPLATE))["Resources"].values()}

    assert kinds == set(DELETE_BY_KIND)


def _referred(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for each in node for name in _referred(each)]
    if not isinstance(node, dict):
        return []
    own = [node["Ref"]] if "Ref" in node else []
    own += [node["Fn::GetAtt"][0]] if "Fn::GetAtt" in node else []
    return own + [name for each in node.values() for name in _referred(each)]
