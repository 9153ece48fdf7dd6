"""Check what OpenAI demands of a schema with `strict: true`.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from typing import Any

from dragoman.simulator.fields import list_in, object_in
from dragoman.simulator.openai.errors import bad_request

__all__ = ["check_strict"]

_FORBIDDEN = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
              "unevaluatedProperties", "propertyNames", "minProperties", "maxProperties", "contains", "uniqueItems")  # fmt: skip


def check_strict(schema: dict[str, Any], where: str, param: str, code: str | None) -> None:
    """Raise the error for a `schema` that breaks a rule of strict mode."""
    problem = _problem(schema, ())
    if schema.get("type") != "object" and problem is None:
        got = schema.get("type")
        problem = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{got}\"'."
    if problem is not None:
        raise bad_request(f"Invalid schema for {where}: {problem}", param=param, code=code)


def _problem(schema: Any, path: tuple[str, ...]) -> str | None:
    if not isinstance(schema, dict):
        return None
    context = "(" + ", ".join(f"'{step}'" for step in path) + ("," if len(path) == 1 else "") + ")"
    problem = _own_problem(schema, context)
    if problem:
        return problem
    problems = (_problem(child, (*path, *name)) for name, child in _children(schema))
    return next((problem for problem in problems if problem), None)


def _own_problem(schema: dict[str, Any], context: str) -> str | None:
    forbidden = next((word for word in _FORBIDDEN if word in schema), None)
    if forbidden is not None:
        return f"In context={context}, '{forbidden}' is not permitted."
    if "properties" not in schema and schema.get("type") != "object":
        return None
    if schema.get("additionalProperties") is not False:
        return f"In context={context}, 'additionalProperties' is required to be supplied and to be false."
    required = list_in(schema, "required")
    missing = next((name for name in object_in(schema, "properties") if name not in required), None)
    if missing is not None:
        return (
            f"In context={context}, 'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing}'."
        )
    return None


def _children(schema: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    children: list[tuple[tuple[str, ...], Any]] = []
    for group in ("properties", "$defs", "definitions"):
        children += [((group, name), child) for name, child in (schema.get(group) or {}).items()]
    if "items" in schema:
        children.append((("items",), schema["items"]))
    children += [(("anyOf", str(index)), child) for index, child in enumerate(schema.get("anyOf") or [])]
    return children
