"""Schemas in Google's words: what was accepted before is accepted after, or the keyword's path is named.

The judge is the jsonschema package: every example of a schema is a valid one of the rewritten schema, too, and where nothing
was reported as lost, what was refused before is refused after.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.dialects import gemini
from dragoman.dialects.codec import RequestHints
from dragoman.errors import BadRequestError
from tests.dialects.gemini.exchange import LEVEL, requests
from tests.recordings import Recording

_KNOWN = frozenset(
    {"type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems", "minimum", "maximum",
     "anyOf", "properties", "additionalProperties", "required", "propertyOrdering", "minLength", "maxLength", "pattern",
     "uniqueItems", "multipleOf", "minProperties", "maxProperties", "default", "$defs", "$ref"}
)  # fmt: skip
_S, _I, _N, _B = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}
_NODE = {"type": "object", "properties": {"v": _I, "next": {"$ref": "#/$defs/Node"}}, "required": ["v"]}
_TREE = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _level(number: int) -> dict[str, str]:
    return {"$ref": f"#/$defs/L{number}"}


_NOTHING: list[Any] = []
# name, schema, instances that are valid, instances that are not
SAID: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("string", _S, ["", "a"], [1, None]),
    ("integer", _I, [0, -3], ["1", 1.5]),
    ("number", _N, [0, 1.5], ["1"]),
    ("boolean", _B, [True], [1, "true"]),
    ("null", {"type": "null"}, [None], [0]),
    ("empty", {}, [1, "a", None, {}], _NOTHING),
    ("object", {"type": "object"}, [{}, {"a": 1}], [[], 1]),
    ("array", {"type": "array"}, [[], [1]], [{}, 1]),
    ("array of strings", {"type": "array", "items": _S}, [["a"]], [[1]]),
    ("array of arrays", {"type": "array", "items": {"type": "array", "items": _I}}, [[[1]]], [[1], [["a"]]]),
    ("items bounds", {"type": "array", "items": _I, "minItems": 1, "maxItems": 2}, [[1]], [[], [1, 2, 3]]),
    ("unique items", {"type": "array", "items": _I, "uniqueItems": True}, [[1, 2]], [[1, 1]]),
    ("tuple", {"type": "array", "prefixItems": [_S, _I]}, [["a", 1]], [[1, 1]]),
    ("properties", _object(a=_S, b=_I), [{}, {"a": "x", "b": 1}], [{"a": 1}]),
    ("required", {**_object(a=_S), "required": ["a"]}, [{"a": "x"}], [{}]),
    ("required none", {**_object(a=_S), "required": []}, [{}], _NOTHING),
    ("closed", {**_object(a=_S), "additionalProperties": False}, [{"a": "x"}], [{"b": 1}]),
    ("open", {**_object(a=_S), "additionalProperties": True}, [{"b": 1}], _NOTHING),
    ("map", {"type": "object", "additionalProperties": _I}, [{"x": 1}], [{"x": "y"}]),
    ("map of objects", {"type": "object", "additionalProperties": _object(a=_S)}, [{"x": {"a": "b"}}], [{"x": {"a": 1}}]),
    ("closed by zod", {**_object(a=_S), "additionalProperties": {"not": {}}}, [{"a": "x"}], [{"b": 1}]),
    ("nested", _object(a=_object(b=_object(c=_S))), [{"a": {"b": {"c": "x"}}}], [{"a": {"b": {"c": 1}}}]),
    ("enum of strings", {"enum": ["a", "b"]}, ["a"], ["c"]),
    ("enum with type", {"type": "string", "enum": ["a"]}, ["a"], ["b", 1]),
    ("enum of integers", {"enum": [1, 2]}, [1], [3]),
    ("enum of numbers", {"enum": [1.5, 2.5]}, [1.5], [2]),
    ("enum mixed", {"enum": ["a", 1]}, ["a", 1], ["b", 2]),
    ("enum with null", {"type": ["string", "null"], "enum": ["a", None]}, ["a", None], ["b"]),
    ("enum of both booleans", {"enum": [True, False]}, [True, False], ["x"]),
    ("const string", {"const": "a"}, ["a"], ["b"]),
    ("const integer", {"const": 3}, [3], [4]),
    ("const null", {"const": None}, [None], [0]),
    ("bounds", {"type": "number", "minimum": 0, "maximum": 1}, [0, 1], [2, -1]),
    ("exclusive integers", {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10}, [1, 9], [0, 10]),
    ("exclusive of draft 4", {"type": "integer", "minimum": 1, "exclusiveMinimum": False}, [1], [0]),
    ("exclusive beside minimum", {"type": "integer", "minimum": 5, "exclusiveMinimum": 2}, [5], [4]),
    ("multiple of", {"type": "integer", "multipleOf": 5}, [10], [3]),
    ("lengths", {"type": "string", "minLength": 1, "maxLength": 2}, ["a"], ["", "abc"]),
    ("pattern", {"type": "string", "pattern": "^a+$"}, ["aa"], ["b"]),
    ("pattern with look-ahead", {"type": "string", "pattern": "(?=.*[0-9]).+"}, ["a1"], ["a"]),
    ("format", {"type": "string", "format": "date-time"}, ["2020-01-01T00:00:00Z"], [1]),
    ("sizes of objects", {"type": "object", "minProperties": 1, "maxProperties": 2}, [{"a": 1}], [{}]),
    ("title and description", {**_S, "title": "T", "description": "D"}, ["a"], [1]),
    ("default", {**_I, "default": 3}, [1], ["a"]),
    ("default null", {"anyOf": [_S, {"type": "null"}], "default": None}, ["a", None], [1]),
    ("annotations", {**_S, "$schema": "x", "$id": "y", "$comment": "z", "examples": ["e"], "deprecated": True}, ["a"], [1]),
    ("unknown keywords", {**_S, "x-order": 1, "readOnly": True, "contentMediaType": "text/plain"}, ["a"], [1]),
    ("any of", {"anyOf": [_S, _I]}, ["a", 1], [1.5]),
    ("one of", {"oneOf": [_S, _I]}, ["a", 1], [1.5]),
    ("nullable type", {"type": ["string", "null"]}, ["a", None], [1]),
    ("many types", {"type": ["string", "integer", "null"], "minLength": 1}, ["a", 1, None], ["", 1.5]),
    ("types with items", {"type": ["array", "string"], "items": _I}, [[1], "a"], [["a"], 1]),
    ("one type in a list", {"type": ["string"]}, ["a"], [1]),
    ("discriminated union", {"oneOf": [{**_object(k={"const": "c"}, a=_I), "required": ["k"]},
                                       {**_object(k={"const": "d"}, b=_S), "required": ["k"]}]},
     [{"k": "c", "a": 1}, {"k": "d", "b": "x"}], [{"k": "e"}, {}]),
    ("reference", {"$ref": "#/$defs/A", "$defs": {"A": _S}}, ["a"], [1]),
    ("older definitions", {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": _S}},
     [{"a": "x"}], [{"a": 1}]),
    ("reference with a description", {**_object(a={"$ref": "#/$defs/A", "description": "d"}), "$defs": {"A": _S}},
     [{"a": "x"}], [{"a": 1}]),
    ("reference with a bound", {**_object(a={"$ref": "#/$defs/A", "maxLength": 2}), "$defs": {"A": _S}},
     [{"a": "xy"}], [{"a": "xyz"}]),
    ("chain of references", {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": _I}}, [1], ["a"]),
    ("reference to a property", {**_object(a=_S, b={"$ref": "#/properties/a"})}, [{"b": "x"}], [{"b": 1}]),
    ("escaped reference", {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": _S}}, ["a"], [1]),
    ("anchor", {"$ref": "#here", "$defs": {"A": {"$anchor": "here", **_S}}}, ["a"], [1]),
    ("reference to what accepts all", {"$ref": "#/$defs/A", "$defs": {"A": True}}, [1, "a"], _NOTHING),
    ("used twice", {**_object(a={"$ref": "#/$defs/A"}, b={"$ref": "#/$defs/A"}), "$defs": {"A": _object(x=_I)}},
     [{"a": {"x": 1}, "b": {"x": 2}}], [{"b": {"x": "y"}}]),
    ("list", {"$ref": "#/$defs/Node", "$defs": {"Node": _NODE}}, [{"v": 1, "next": {"v": 2}}], [{"v": 1, "next": {}}]),
    ("tree", _TREE, [{"kids": [{"kids": []}]}], [{"kids": [{"kids": 1}]}]),
    ("mutual recursion", {"$ref": "#/$defs/A", "$defs": {"A": _object(b={"$ref": "#/$defs/B"}),
                                                         "B": _object(a={"$ref": "#/$defs/A"})}},
     [{"b": {"a": {"b": {}}}}], [{"b": {"a": 1}}]),
    ("all of one", {"allOf": [_S]}, ["a"], [1]),
    ("all of objects", {"allOf": [_object(a=_S), {**_object(b=_I), "required": ["b"]}]}, [{"b": 1}], [{}, {"b": "x"}]),
    ("all of with siblings", {**_object(a=_S), "required": ["a"], "allOf": [_object(b=_I)]},
     [{"a": "x"}], [{}, {"a": "x", "b": "y"}]),
    ("all of a reference", {"allOf": [{"$ref": "#/$defs/A"}], "description": "d", "$defs": {"A": _object(x=_I)}},
     [{"x": 1}], [{"x": "a"}]),
    ("all of bounds", {"allOf": [{**_I, "minimum": 1, "maximum": 9}, {**_I, "minimum": 3, "maximum": 20}]}, [3, 9], [2, 10]),
    ("all of the same property", {"allOf": [_object(a={**_I, "minimum": 2}), _object(a={**_I, "maximum": 4})]},
     [{"a": 3}], [{"a": 1}, {"a": 5}]),
    ("all of enums", {"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, ["b"], ["a", "c"]),
    ("all of integer and number", {"allOf": [_I, _N]}, [1], [1.5]),
    ("all of lists of types", {"allOf": [{"type": ["string", "null"]}, _S]}, ["a"], [None]),
    ("all of alternatives", {"allOf": [{"anyOf": [{"minimum": 5, **_I}, {"maximum": 1, **_I}]}, {**_I, "maximum": 7}]},
     [6, 0], [3, 8]),
    ("all of everything that can be tightened",
     {"allOf": [{**_object(a=_S), "minProperties": 1, "maxProperties": 9, "additionalProperties": _I, "title": "A"},
                {**_object(b=_S), "minProperties": 2, "maxProperties": 3, "additionalProperties": True, "title": "B"}]},
     [{"a": "x", "c": 1}], [{"a": "x"}, {"a": "x", "c": "y"}]),
    ("all of items", {"allOf": [{"type": "array", "items": _N, "minItems": 1}, {"type": "array", "items": {**_N, "minimum": 2}}]},
     [[2.5]], [[], [1]]),
    ("older tuple", {"type": "array", "items": [_S, _I], "additionalItems": _B}, [["a", 1]], [[1, 1]]),
    ("nullable alternatives", {"anyOf": [_S, _I], "nullable": True}, ["a", 1, None], [1.5]),
    ("all of nothing", {"allOf": [], **_S}, ["a"], [1]),
    ("all of closed", {"allOf": [{**_object(a=_S), "additionalProperties": False}, _object(a={"minLength": 2, **_S})]},
     [{"a": "xy"}], [{"b": 1}, {"a": "x"}]),
    ("nullable of OpenAPI", {"type": "string", "nullable": True}, ["a"], [1]),
    ("property that must not be", {**_object(a=_S, b=False)}, [{"a": "x"}], _NOTHING),
    ("property of any kind", {**_object(a=True)}, [{"a": 1}], _NOTHING),
    ("names that are keywords", _object(type=_S, properties=_I, **{"$ref": _B}), [{"type": "x", "properties": 1}], [{"type": 1}]),
    ("odd names", _object(**{"a b": _S, "ü": _I, "": _B, "a.b": _S}), [{"a b": "x", "ü": 1}], [{"ü": "x"}]),
    ("property ordering", {**_object(a=_S), "propertyOrdering": ["a"]}, [{"a": "x"}], [{"a": 1}]),
    ("what else may be", {**_object(a=_S), "unevaluatedProperties": {}}, [{"b": 1}], _NOTHING),
    ("tuple and rest", {"type": "array", "prefixItems": [_S], "items": _I}, [["a", 1]], [["a", "b"]]),
    ("closed tuple", {"type": "array", "prefixItems": [_S], "items": False}, [["a"]], [["a", 1]]),
    ("deep", _object(a={"type": "array", "items": _object(b={"anyOf": [_object(c={"enum": [1]}), {"type": "null"}]})}),
     [{"a": [{"b": {"c": 1}}, {"b": None}]}], [{"a": [{"b": {"c": 2}}]}]),
]  # fmt: skip
# name, schema, path that is reported, instances that stay valid
WEAKER: list[tuple[str, Any, str, list[Any]]] = [
    ("not", {**_S, "not": {"const": "a"}}, ".not", ["b"]),
    ("if", {**_object(a=_S), "if": {"required": ["a"]}, "then": {"required": ["b"]}}, ".if", [{"a": "x", "b": 1}]),
    ("dependent required", {**_object(a=_S), "dependentRequired": {"a": ["b"]}}, ".dependentRequired", [{"a": "x", "b": 1}]),
    ("dependent schemas", {**_object(a=_S), "dependentSchemas": {"a": _object(b=_S)}}, ".dependentSchemas", [{"a": "x"}]),
    ("older dependencies", {**_object(a=_S), "dependencies": {"a": ["b"]}}, ".dependencies", [{}]),
    ("names of properties", {"type": "object", "propertyNames": {"pattern": "^a"}}, ".propertyNames", [{"ab": 1}]),
    ("contains", {"type": "array", "contains": _I}, ".contains", [[1]]),
    ("one pattern", {"type": "object", "patternProperties": {"^s_": _S}}, ".patternProperties", [{"s_a": "x"}]),
    ("two patterns", {"type": "object", "patternProperties": {"^s_": _S, "^i_": _I}}, ".patternProperties", [{"i_a": 1}]),
    ("exclusive numbers", {**_N, "exclusiveMinimum": 0}, ".exclusiveMinimum", [0.1]),
    ("enum of objects", {"enum": [{"a": 1}]}, ".enum", [{"a": 1}]),
    ("enum of lists", {"enum": [[1], [2]]}, ".enum", [[1]]),
    ("const true", {"const": True}, ".enum", [True]),
    ("two choices at once", {"anyOf": [_S, _I], "oneOf": [_S, _B]}, ".not", ["a"]),
    ("types and alternatives", {"type": ["string", "integer", "null"], "anyOf": [{"minLength": 1}, {"minimum": 1}]},
     ".type", ["a", 1]),
    ("all of two recursions", {"allOf": [{"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Leaf"}], "$defs": {
        "Node": _NODE, "Leaf": {"type": "object", "properties": {"leaf": {"$ref": "#/$defs/Leaf"}}}}}, ".$ref", [{"v": 1}]),
    ("all of patterns for two", {"allOf": [{"type": "array", "uniqueItems": True}, {"type": "array", "uniqueItems": False}]},
     ".uniqueItems", [[1]]),
    ("required recursion", {"$ref": "#/$defs/Node", "$defs": {"Node": {**_NODE, "required": ["v", "next"]}}}, ".required", []),
    ("required and missing", {**_object(a=_S), "required": ["a", "b"]}, ".required", [{"a": "x", "b": 1}]),
]  # fmt: skip
# name, schema, end of the path that is named
REFUSED: list[tuple[str, Any, str]] = [
    ("reference to elsewhere", _object(a={"$ref": "https://example.com/s.json"}), ".properties.a.$ref"),
    ("reference to nothing", _object(a={"$ref": "#/$defs/Missing"}), ".properties.a.$ref"),
    ("reference that is no text", _object(a={"$ref": 3}), ".properties.a.$ref"),
    ("dynamic reference", _object(a={"$dynamicRef": "#x"}), ".properties.a.$dynamicRef"),
    ("recursive reference of 2019", _object(a={"$recursiveRef": "#"}), ".properties.a.$recursiveRef"),
    ("contradiction", _object(a={"allOf": [_S, _I]}), ".properties.a.allOf[1].type"),
    ("contradicting enums", _object(a={"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}), ".properties.a.allOf[1].enum"),
    ("empty enum", _object(a={"enum": []}), ".properties.a.enum"),
    ("unknown type", _object(a={"type": "text"}), ".properties.a.type"),
    ("type that is no name", _object(a={"type": [[1]]}), ".properties.a.type"),
    ("properties that are a list", {"type": "object", "properties": []}, ".properties"),
    ("property that is a text", _object(a="string"), ".properties.a"),
    ("required that is a text", {**_object(a=_S), "required": "a"}, ".required"),
    ("required of numbers", {**_object(a=_S), "required": [1]}, ".required"),
    ("bound that is a text", _object(a={**_I, "minimum": "1"}), ".properties.a.minimum"),
    ("alternatives that are no list", _object(a={"anyOf": {}}), ".properties.a.anyOf"),
    ("items that accept nothing", _object(a={"anyOf": [{"type": "array", "prefixItems": 3}]}),
     ".properties.a.anyOf[0].prefixItems"),
    ("explosion", {"$ref": "#/$defs/L0", "$defs": {**{f"L{n}": _object(a=_level(n + 1), b=_level(n + 1)) for n in range(30)},
                                                   "L30": _S}}, "schema"),
]  # fmt: skip


def rewritten(schema: Any, *, strict: bool = False) -> tuple[Any, tuple[str, ...]]:
    json_schema = {"name": "s", "schema": schema, "strict": strict}
    wire = gemini.CODEC.write_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "a"}],
            "response_format": {"type": "json_schema", "json_schema": json_schema},
        },
        LEVEL,
    )
    return wire.body["generationConfig"]["responseJsonSchema"], wire.dropped


def check_words(node: Any) -> None:
    """Only words that Google takes, and nothing beside a reference."""
    if not isinstance(node, dict):
        return
    assert node.keys() <= _KNOWN
    assert "$ref" not in node or node.keys() <= {"$ref", "$defs"}
    for value in (*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", ())):
        check_words(value)
    check_words(node.get("items"))


def accepts(schema: Any, instance: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(instance))


def test_there_are_a_hundred_schemas() -> None:
    assert len(SAID) + len(WEAKER) + len(REFUSED) >= 100


@pytest.mark.parametrize(("name", "schema", "good", "bad"), SAID, ids=[case[0] for case in SAID])
def test_what_can_be_said_is_said(name: str, schema: Any, good: list[Any], bad: list[Any]) -> None:
    before = orjson.dumps(schema)
    written, lost = rewritten(schema)
    assert orjson.dumps(schema) == before
    assert lost == ()
    check_words(written)
    jsonschema.Draft202012Validator.check_schema(written)
    assert [instance for instance in good if not accepts(written, instance)] == []
    assert [instance for instance in bad if accepts(written, instance)] == []
    assert rewritten(schema, strict=True)[0] == written
    assert rewritten(written)[0] == written  # said once, said for good


@pytest.mark.parametrize(("name", "schema", "path", "good"), WEAKER, ids=[case[0] for case in WEAKER])
def test_what_is_lost_is_told_or_refused(name: str, schema: Any, path: str, good: list[Any]) -> None:
    written, lost = rewritten(schema)
    check_words(written)
    assert [where for where in lost if where.endswith(path)]
    assert all(where.startswith("response_format.json_schema.schema") for where in lost)
    assert [instance for instance in good if not accepts(written, instance)] == []
    if path == ".required":
        return  # a strict schema of OpenAI's demands every property
    with pytest.raises(BadRequestError) as caught:
        rewritten(schema, strict=True)
    assert str(caught.value.param).endswith(path)


@pytest.mark.parametrize(("name", "schema", "path"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_said_is_named(name: str, schema: Any, path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        rewritten(schema)
    assert str(caught.value.param).endswith(path)
    assert str(caught.value.param) in caught.value.message


def test_parameters_of_a_function_are_an_object() -> None:
    def declare(parameters: Any) -> Any:
        tools: Any = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]
        request: Any = {"model": "m", "messages": [{"role": "user", "content": "a"}], "tools": tools}
        return gemini.CODEC.write_request(request, LEVEL).body["tools"][0]["functionDeclarations"][0]

    assert declare({"properties": {"a": _S}})["parametersJsonSchema"]["type"] == "object"
    assert "parametersJsonSchema" not in declare(None)
    with pytest.raises(BadRequestError) as caught:
        declare({"type": "array"})
    assert caught.value.param == "tools[0].function.parameters.type"


@pytest.mark.parametrize("recording", requests())
def test_recorded_schemas_are_said(recording: Recording) -> None:
    request = gemini.CODEC.read_request(recording.request_body, RequestHints(model="m"))
    for tool in request.get("tools") or []:
        if tool["type"] == "function" and "parameters" in tool["function"]:
            written, lost = rewritten(tool["function"]["parameters"])
            check_words(written)
            assert lost == ()


_KEYWORDS = ["type", "properties", "items", "anyOf", "allOf", "oneOf", "enum", "const", "required", "$ref", "$defs", "a", "not",
             "minimum", "exclusiveMinimum", "patternProperties", "additionalProperties", "nullable", "prefixItems"]  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["string", "object", "#/$defs/a", "a", "#"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYWORDS), inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYWORDS[:11]), _VALUES, max_size=4))
def test_no_schema_crashes_the_rewriting(schema: Any) -> None:
    try:
        written, _ = rewritten(schema)
    except BadRequestError as error:
        assert str(error.param).startswith("response_format.json_schema.schema")
    else:
        check_words(written)
        orjson.dumps(written)
