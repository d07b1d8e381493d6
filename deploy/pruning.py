"""What of the dependencies is packaged: what functions read, and what tells others what it is.

botocore describes every service of AWS in every region, which is three quarters of a package; functions use five of
them. The descriptions of these come without their prose, and the list of endpoints without all others: both are read at
every cold start.

Of Pillow, what makes avatars is packaged: formats that players may upload and what these are made of, but no fonts, no
windows and no drawing. The libraries that came along for those go with them, but for the ones that Pillow's own core is
linked to.
"""

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from deploy import libraries
from deploy.errors import DeployError

Files = Mapping[str, bytes]
"""Content by path in the package, whose folders are divided by slashes."""

SERVICES = frozenset({"dynamodb", "dynamodbstreams", "s3", "sns", "sqs"})
"""Those that functions make clients of, by botocore's names. The store's clients refuse any other."""

_DATA = "botocore/data/"
_ENDPOINTS = f"{_DATA}endpoints.json"
_DESCRIPTION = re.compile(rf"{_DATA}(?P<service>[^/]+)/(?P<version>[^/]+)/(?P<kind>[a-z-]+)-\d.*")
_SERVICE, _EXAMPLES = "service", "examples"
_SETTINGS = "clientContextParams"
_UNREAD = re.compile(
    r"chalice(-[^/]*\.dist-info)?/.*"  # chalice's packager adds its runtime; the rest of it deploys
    r"|[^/]+\.data/.*"  # commands and headers
    r"|(.*/)?(__pycache__|tests?)/.*"
    r"|.*\.(pyc|pyi|pyx|pxd|c|h)|(.*/)?py\.typed"
    # Amazon Inspector looks up in METADATA what is installed; a licence wants to stay with what it covers.
    r"|[^/]+\.dist-info/(?!METADATA|licenses/|LICEN[CS]E|COPYING|NOTICE).*"
    # Formats that nobody uploads, and that none which is taken is made of.
    r"|PIL/(?!Avif|Bmp|Gif|Jpeg(?!2K)|Mpo|Png|Ppm|Tiff|WebP)\w+ImagePlugin\.py"
    r"|PIL/(Image(Draw2?|Font|Grab|Morph|Qt|Show|Text|Tk|Win)|(Bdf|Pcf)?FontFile|PSDraw|PdfParser|_tkinter_finder)\.py"
    r"|PIL/(features|report|__main__)\.py"
    r"|PIL/_imaging(ft|morph|tk)\..*",
)
_BUNDLED = re.compile(r"[^/]+\.libs/(?P<library>[^/]+)")
"""Where a wheel keeps the libraries that its modules are linked to."""


def pruned(files: Files) -> dict[str, bytes]:
    """Return what of a site-packages folder belongs into the package.

    Raises:
        DeployError: botocore does not describe a service that functions use.
    """
    version_by_service = _newest(files)
    kept = _without_orphans({name: each for name, each in files.items() if _is_kept(name, version_by_service)})
    return {**kept, **_trimmed(kept)}


def _newest(names: Iterable[str]) -> dict[str, str]:
    """Return the version that botocore would take of each service; of none, where botocore is no dependency."""
    described = [match.group("service", "version") for match in map(_DESCRIPTION.fullmatch, names) if match]
    newest = {service: version for service, version in sorted(described) if service in SERVICES}
    missing = SERVICES - newest.keys() if described else frozenset()
    if missing:
        raise DeployError(f"botocore describes no {', '.join(sorted(missing))}: correct SERVICES in deploy/pruning.py")
    return newest


def _is_kept(name: str, version_by_service: Mapping[str, str]) -> bool:
    in_data = name.removeprefix(_DATA)
    if in_data != name and "/" in in_data:
        match = _DESCRIPTION.fullmatch(name)
        return bool(
            match and version_by_service.get(match["service"]) == match["version"] and match["kind"] != _EXAMPLES
        )
    return not _UNREAD.fullmatch(name)


def _without_orphans(kept: Files) -> Files:
    """Return the files but for bundled libraries that none of the others asks for."""
    bundled = {match["library"]: name for name in kept if (match := _BUNDLED.fullmatch(name))}
    asking, asked = sorted(kept.keys() - set(bundled.values())), set[str]()
    while asking:
        library = libraries.read(kept[asking.pop()])
        found = {bundled[name] for name in libraries.needed(library) if name in bundled} if library else set()
        asking += found - asked
        asked |= found
    return {name: content for name, content in kept.items() if name in asked or not _BUNDLED.fullmatch(name)}


def _trimmed(kept: Files) -> dict[str, bytes]:
    descriptions = {name: json.loads(gzip.decompress(kept[name])) for name in kept if _is_service(name)}
    trimmed = {name: _compressed(_terse(each)) for name, each in descriptions.items()}
    if _ENDPOINTS in kept:
        prefixes = {each["metadata"]["endpointPrefix"] for each in descriptions.values()}
        trimmed[_ENDPOINTS] = _json(_without_others(json.loads(kept[_ENDPOINTS]), prefixes))
    return trimmed


def _is_service(name: str) -> bool:
    match = _DESCRIPTION.fullmatch(name)
    return bool(match and match["kind"] == _SERVICE and name.endswith(".gz"))


def _terse(description: dict[str, Any]) -> Any:
    """Return a description without its documentation, but for the one place where botocore insists on some."""
    settings = {name: {**each, "documentation": ""} for name, each in description.get(_SETTINGS, {}).items()}
    return {**_without_prose(description), **({_SETTINGS: settings} if settings else {})}


def _without_prose(part: Any) -> Any:
    """Return a description without its documentation: texts of that name, for a member may be called so too."""
    if isinstance(part, list):
        return [_without_prose(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: _without_prose(each)
        for name, each in part.items()
        if name != "documentation" or not isinstance(each, str)
    }


def _without_others(endpoints: dict[str, Any], prefixes: set[str]) -> dict[str, Any]:
    partitions = [
        {**each, "services": {name: rule for name, rule in each["services"].items() if name in prefixes}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _compressed(document: Any) -> bytes:
    return gzip.compress(_json(document), mtime=0)


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
