"""A call of an endpoint, written for a shell, in Python and in JavaScript, with the reader's own host in it."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from trunkline.documents.guide import Endpoint

TOKEN = "YOUR_API_TOKEN"  # noqa: S105 a placeholder


class Auth(Struct, frozen=True):
    """Where a key goes: in a `header` before which `prefix` stands, or in a parameter of the `query`."""

    header: str = ""
    prefix: str = ""
    query: str = ""


def auth(document: Mapping[str, Any]) -> Auth:
    """The first way that an API names."""
    scheme = next(iter(document["components"].get("securitySchemes", {}).values()), {})
    if scheme.get("type") == "http":
        return Auth(header="Authorization", prefix=f"{scheme.get('scheme', 'bearer').title()} ")
    if scheme.get("in") == "query":
        return Auth(query=scheme["name"])
    return Auth(header=scheme.get("name", ""), prefix=scheme.get("x-prefix", ""))


def written(endpoint: Endpoint, address: str, how: Auth) -> dict[str, str]:
    """By language: curl, Python, JavaScript."""
    url, headers = _url(endpoint, address, how), {}
    if how.header and not endpoint.public:
        headers[how.header] = how.prefix + TOKEN
    headers["Accept"] = "application/json"
    is_json = endpoint.media_type == "application/json"
    if is_json:
        headers["Content-Type"] = "application/json"
    body = endpoint.body if is_json else ""
    return {
        "curl": _curl(endpoint, url, headers, body),
        "Python": _python(endpoint, url, headers, body),
        "JavaScript": _javascript(endpoint, url, headers, body),
    }


def _url(endpoint: Endpoint, address: str, how: Auth) -> str:
    samples = {each.name: each.sample for each in endpoint.values if each.where == "path"}
    path = re.sub(r"\{(\w+)\}", lambda match: samples.get(match[1], "1"), endpoint.path)
    asked = {each.name: each.sample for each in endpoint.values if each.where == "query" and each.required}
    if how.query and not endpoint.public:
        asked = {how.query: TOKEN, **asked}
    return f"{address}{path}?{urlencode(asked)}" if asked else f"{address}{path}"


def _curl(endpoint: Endpoint, url: str, headers: Mapping[str, str], body: str) -> str:
    lines = [f"curl -X {endpoint.method} {shlex.quote(url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if body:
        lines.append(f"-d {shlex.quote(body)}")
    elif endpoint.media_type == "multipart/form-data":
        lines.append("-F file=@yours.csv")
    return " \\\n  ".join(lines)


def _python(endpoint: Endpoint, url: str, headers: Mapping[str, str], body: str) -> str:
    lines = ["import requests", "", "answer = requests.request("]
    lines += [f"    {endpoint.method!r},", f"    {url!r},", f"    headers={dict(headers)!r},"]
    if body:
        lines.append("    json=" + _indented(_literal(json.loads(body))) + ",")
    elif endpoint.media_type == "multipart/form-data":
        lines.append('    files={"file": open("yours.csv", "rb")},')
    return "\n".join([*lines, ")", "answer.raise_for_status()", "print(answer.text)"]).replace("'", '"')


def _javascript(endpoint: Endpoint, url: str, headers: Mapping[str, str], body: str) -> str:
    lines = [f"const answer = await fetch({json.dumps(url)}, {{", f"  method: {json.dumps(endpoint.method)},"]
    lines.append(f"  headers: {json.dumps(dict(headers))},")
    if body:
        lines.append("  body: JSON.stringify(" + _indented(body, 2) + "),")
    return "\n".join([*lines, "});", "console.log(answer.status, await answer.text());"])


def _literal(value: Any) -> str:
    """JSON as Python writes it."""
    text = json.dumps(value, indent=4, ensure_ascii=False)
    return re.sub(r"(?<=[:\s\[])(true|false|null)(?=[,\s\]}])", lambda word: PYTHON[word[1]], text)


def _indented(text: str, spaces: int = 4) -> str:
    return text.replace("\n", "\n" + " " * spaces)


PYTHON = {"true": "True", "false": "False", "null": "None"}
