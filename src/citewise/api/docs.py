"""A page that lists the API, made from its own description, without anything from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border-bottom: 1px solid #8886; padding: .4rem 0; }
summary { cursor: pointer; }
summary code { font-weight: 600; }
.method { display: inline-block; min-width: 4.5rem; font-family: monospace; }
pre { background: #8881; padding: .75rem; overflow-x: auto; }
th, td { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
:root { color-scheme: light dark; }
"""


def render_docs(description: dict[str, Any], *, root: str) -> str:
    """Render an OpenAPI description as one HTML page.

    Args:
        description: As FastAPI's ``openapi()`` gives it.
        root: The path under which the API is mounted, without a slash at its end.
    """
    groups: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(root + path, method.upper(), operation, description))
    title = escape(f"{description['info']['title']} {description['info']['version']}")
    about = escape(description["info"].get("description", ""))
    sections = "".join(f"<h2>{escape(tag.capitalize())}</h2>{''.join(group)}" for tag, group in groups.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{about} The same as JSON: "
        f'<a href="{escape(root)}/openapi.json">{escape(root)}/openapi.json</a>.</p>{sections}</body></html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any], description: dict[str, Any]) -> str:
    rows = [
        (parameter["name"], parameter["in"], parameter.get("required", False), parameter["schema"], "")
        for parameter in operation.get("parameters", ())
    ]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolve(content["schema"], description)
        needed = schema.get("required", ())
        rows += [
            (name, media_type, name in needed, field, field.get("description", ""))
            for name, field in schema.get("properties", {}).items()
        ]
    table = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(place)}</td>"
        f"<td>{escape(_type(schema))}{' (required)' if required else ''}</td><td>{escape(text)}</td></tr>"
        for name, place, required, schema, text in rows
    )
    return (
        f'<details><summary><span class="method">{method}</span> <code>{escape(path)}</code> '
        f"{escape(operation.get('summary', ''))}</summary>"
        f"<pre>{escape(operation.get('description', ''))}</pre>"
        f"{f'<table>{table}</table>' if table else ''}</details>"
    )


def _resolve(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return description["components"]["schemas"][name] if name else schema


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "$ref" in schema:
        return "object"
    return str(schema.get("type", "any"))
