"""The page of the report's JSON: its schema as tables, an object each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from grader.documenting.markdown import code, page, table

SOURCE = "docs/report.schema.json"
_INTRODUCTION = """\
`--json FILE` writes one JSON object.
This page is for reading; programs validate with
[report.schema.json](../report.schema.json) (JSON Schema, draft 2020-12)."""
_REFERENCE = "#/$defs/"
Node = Mapping[str, Any]


def report_page(schema: Node) -> str:
    """The page; `schema` is docs/report.schema.json, parsed."""
    blocks = [_INTRODUCTION, str(schema["description"])]
    for path, node in _objects("", schema, schema["$defs"]):
        heading = f"## {code(path)}" if path else "## The report"
        blocks.append(heading)
        if path and node.get("description"):
            blocks.append(str(node["description"]))
        blocks.append(_fields(node, schema["$defs"]))
    blocks += ["## Names", _names(schema["$defs"])]
    return page(str(schema["title"]), SOURCE, *blocks)


def _objects(path: str, node: Node, defs: Node) -> Iterator[tuple[str, Node]]:
    """The objects of the report, each with where it stands."""
    if "properties" in node:
        yield path, node
        for name, inner in node["properties"].items():
            yield from _objects(f"{path}.{name}" if path else name, inner, defs)
    for branch in _branches(node, defs):
        yield from _objects(path, branch, defs)
    if isinstance(node.get("items"), dict):
        yield from _objects(f"{path}[]", node["items"], defs)


def _branches(node: Node, defs: Node) -> list[Node]:
    """What a node may also be: its alternatives, and what it refers to."""
    found: list[Node] = list(node.get("anyOf", ()))
    if "$ref" in node:
        found.append(defs[_name(node)])
    return found


def _name(node: Node) -> str:
    return str(node["$ref"]).removeprefix(_REFERENCE)


def _fields(node: Node, defs: Node) -> str:
    required = node.get("required", ())
    rows = []
    for name, field in node["properties"].items():
        told = str(field.get("description", ""))
        if name not in required:
            told += " May be absent."
        rows.append([code(name), _type(field, defs), told])
    return table(["field", "type", "meaning"], rows)


def _type(node: Node, defs: Node) -> str:
    """What a value is, in words."""
    if "const" in node:
        return code(f'"{node["const"]}"' if isinstance(node["const"], str) else node["const"])
    if "enum" in node:
        return " or ".join(code(f'"{value}"') for value in node["enum"])
    if "$ref" in node:
        target = defs[_name(node)]
        return _type(target, defs) if "anyOf" in target else f"[{_name(node)}](#names)"
    if "anyOf" in node:
        kinds = [_type(branch, defs) for branch in node["anyOf"]]
        return " or ".join(sorted(kinds, key=lambda kind: kind == "null"))
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return " or ".join(_kind(kind, node, defs) for kind in kinds)


def _kind(kind: str, node: Node, defs: Node) -> str:
    if kind == "array":
        if "prefixItems" in node:
            return "[" + ", ".join(_type(item, defs) for item in node["prefixItems"]) + "]"
        least, most = node.get("minItems"), node.get("maxItems")
        count = f", {least} of them" if least is not None and least == most else ""
        return f"array of {_type(node['items'], defs)}{count}"
    if kind not in ("integer", "number"):
        return kind
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"{kind} from {low} to {high}"
    return kind if low is None else f"{kind}, at least {low}"


def _names(defs: Node) -> str:
    rows = []
    for name, node in defs.items():
        if "anyOf" in node:
            continue
        kind = code(node["pattern"]) if "pattern" in node else _type(node, defs)
        rows.append([code(name), kind, str(node["description"])])
    return table(["name", "form", "meaning"], rows)
