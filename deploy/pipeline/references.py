"""Names of values that CloudFormation fills in. In texts they stand as ``${Name}``, as ``Fn::Sub`` has them.

An app is packaged before its stage's stack has given anything out: what it reads of the environment while chalice
imports it are such texts, and they come back in the template, as the source of an event or as a policy's resource.
"""

import re
from collections.abc import Iterator
from typing import Any

_NAME = re.compile(r"\$\{([A-Za-z][A-Za-z0-9]*)\}")


def stand_in(output: str) -> str:
    """Return what stands in a text for an output of the infrastructure stack.

    >>> stand_in("MediaBucketName")
    '${MediaBucketName}'
    """
    return f"${{{output}}}"


def named_by(text: str) -> str | None:
    """Return the output that a text stands in for; None for a text of its own.

    >>> named_by("${MediaBucketName}")
    'MediaBucketName'
    >>> named_by("my-bucket") is None
    True
    """
    match = _NAME.fullmatch(text)
    return match[1] if match else None


def resolvable(value: Any) -> Any:
    """Return a part of a template with the texts that name values as CloudFormation reads them.

    >>> resolvable(["${RecordsStreamArn}", "table/${Name}", {"Fn::Sub": "${Done}"}, "plain"])
    [{'Ref': 'RecordsStreamArn'}, {'Fn::Sub': 'table/${Name}'}, {'Fn::Sub': '${Done}'}, 'plain']
    """
    if isinstance(value, str):
        name = named_by(value)
        return {"Ref": name} if name else {"Fn::Sub": value} if _NAME.search(value) else value
    if isinstance(value, list):
        return [resolvable(each) for each in value]
    if isinstance(value, dict):
        return {key: each if key == "Fn::Sub" else resolvable(each) for key, each in value.items()}
    return value


def names_in(value: Any) -> Iterator[str]:
    """Yield the names that a part of a template refers to by ``Ref`` and ``Fn::Sub``, pseudo parameters left out.

    >>> sorted(names_in({"A": {"Ref": "One"}, "B": {"Fn::Sub": ["${Two}-${Own}-${AWS::Region}", {"Own": 3}]}}))
    ['One', 'Two']
    """
    if isinstance(value, list):
        for each in value:
            yield from names_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref" and isinstance(each, str) and "::" not in each:
                yield each
            elif key == "Fn::Sub":
                yield from _substituted(each)
            else:
                yield from names_in(each)


def _substituted(substitution: Any) -> Iterator[str]:
    text, own = (substitution, {}) if isinstance(substitution, str) else substitution
    yield from (name for name in _NAME.findall(text) if name not in own)
    yield from names_in(own)
