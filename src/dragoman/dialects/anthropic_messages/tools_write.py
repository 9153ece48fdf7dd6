"""The hub's tools and the choice among them, in Anthropic's words."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.anthropic_messages.strict_schemas import Inexpressible, strict_schema, tool_schema
from dragoman.dialects.anthropic_messages.tool_use import CUSTOM_SUFFIX
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.tool_names import ToolNames
from dragoman.dialects.vendor_params import report_tool_params
from dragoman.errors import UnsupportedParamsError
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import ModelFacts

__all__ = ["ToolWriter", "name_of", "tool_names"]

_NAME_LENGTH = 128
"""`tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`."""
_OWN_FIELDS = ("defer_loading", "input_examples", "eager_input_streaming", "allowed_callers")
_WIRE_KINDS: dict[str, JsonObject] = {
    "web_search": {"type": "web_search_20250305", "name": "web_search"},
    "code_execution": {"type": "code_execution_20250825", "name": "code_execution"},
    "web_fetch": {"type": "web_fetch_20250910", "name": "web_fetch"},
}
"""What Anthropic runs in the place of another vendor's tool of the same kind."""
_CUSTOM_INPUT: JsonObject = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def name_of(tool: JsonObject) -> str | None:
    """The name of a function or custom tool, or of a call of one."""
    for key in ("function", "custom"):
        inner = tool.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            name: str = inner["name"]
            return name
    return None


def tool_names(tools: list[JsonObject], messages: list[JsonObject]) -> ToolNames:
    """The names of the definitions and of the history, so that both change alike."""
    calls = [call for message in messages for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    named = [item for item in [*tools, *calls] if name_of(item) is not None]
    functions = [name_of(item) or "" for item in named if "function" in item]
    legacy = [
        message["function_call"].get("name") for message in messages if isinstance(message.get("function_call"), dict)
    ]
    names = ToolNames.of([*functions, *(name for name in legacy if isinstance(name, str))], max_length=_NAME_LENGTH)
    wire, caller = dict(names.to_wire_names), dict(names.to_caller)
    room = _NAME_LENGTH - len(CUSTOM_SUFFIX)
    for name in {name_of(item) or "" for item in named if "function" not in item}:
        short = ToolNames.of([name], max_length=room).to_wire(name) + CUSTOM_SUFFIX
        wire[name], caller[short] = short, name
    return ToolNames(wire, caller)


class ToolWriter:
    """Writes the definitions of one request."""

    def __init__(self, drops: DropList, names: ToolNames, vendor: str, facts: ModelFacts) -> None:
        self._drops = drops
        self._names = names
        self._vendor = vendor
        self._facts = facts

    def tools(self, tools: list[JsonObject]) -> list[JsonObject]:
        written = (self._tool(tool, f"tools[{number}]") for number, tool in enumerate(tools))
        return [tool for tool in written if tool is not None]

    def _tool(self, tool: JsonObject, path: str) -> JsonObject | None:
        provided = provider_tool(tool)
        if provided is not None:
            return self._provided(provided, tool, path)
        if name_of(tool) is None:
            self._drops.unsupported(path, f"a tool of type {tool.get('type')!r}")
            return None
        written = self._custom(tool["custom"], path) if "function" not in tool else self._function(tool, path)
        if isinstance(tool.get("cache_control"), dict):
            written["cache_control"] = tool["cache_control"]
        return written

    def _provided(self, provided: JsonObject, tool: JsonObject, path: str) -> JsonObject | None:
        if provided.get("vendor") in (VENDOR, self._vendor):
            definition: JsonObject = provided["definition"]
            return definition
        kind = provided.get("type")
        wire = _WIRE_KINDS.get(kind) if isinstance(kind, str) else None
        if wire is None:
            self._drops.unsupported(path, f"the tool {kind!r} of {provided.get('vendor')}")
            return None
        return dict(wire)

    def _function(self, tool: JsonObject, path: str) -> JsonObject:
        function = tool["function"]
        schema = tool_schema(function.get("parameters"))
        combined = next((key for key in ("anyOf", "oneOf", "allOf") if key in schema), None)
        if combined is not None:
            raise self._refused(f"{path}.function.parameters.{combined}", "a tool's arguments must be a plain object")
        written: JsonObject = {"name": self._names.to_wire(function["name"])}
        if isinstance(function.get("description"), str):
            written["description"] = function["description"]
        written["input_schema"] = schema
        if function.get("strict") is True:
            written |= self._strict(schema, path)
        report_tool_params(tool, path, VENDOR, self._drops)
        own = tool.get("vendor_params")
        extra: dict[str, Any] = dict(own.get(VENDOR) or {}) if isinstance(own, dict) else {}
        extra |= {key: tool[key] for key in _OWN_FIELDS if tool.get(key) is not None}
        return written | extra

    def _strict(self, schema: JsonObject, path: str) -> JsonObject:
        """`strict` where the model knows it and the schema allows it; without it the schema is still told to the model."""
        where = f"{path}.function.parameters"
        if self._facts.json_schema is False:
            self._drops.degraded(f"{path}.function.strict")
            return {}
        try:
            return {"input_schema": strict_schema(schema, self._drops.degraded, where), "strict": True}
        except Inexpressible:
            self._drops.degraded(f"{path}.function.strict")
            return {}

    def _custom(self, custom: JsonObject, path: str) -> JsonObject:
        wanted = custom.get("format")
        if isinstance(wanted, dict) and wanted.get("type") not in (None, "text"):
            self._drops.unsupported(f"{path}.custom.format", "free text in a grammar")
        written: JsonObject = {"name": self._names.to_wire(custom["name"])}
        if isinstance(custom.get("description"), str):
            written["description"] = custom["description"]
        return written | {"input_schema": _CUSTOM_INPUT}

    def _refused(self, path: str, why: str) -> UnsupportedParamsError:
        return UnsupportedParamsError(f"{path}: {why}", param=path)

    def web_search(self, options: object) -> JsonObject:
        """OpenAI's `web_search_options`, as Anthropic's tool."""
        written = dict(_WIRE_KINDS["web_search"])
        if not isinstance(options, dict):
            return written
        if options.get("search_context_size") not in (None, "medium"):
            self._drops.degraded("web_search_options.search_context_size")
        location = options.get("user_location")
        if isinstance(location, dict):
            place = location.get("approximate", location)
            if isinstance(place, dict):
                known = {key: value for key, value in place.items() if key != "type" and value is not None}
                written["user_location"] = {"type": "approximate"} | known
        return written

    def choice(self, choice: object) -> JsonObject | None:
        """The `tool_choice`, or None for what Anthropic does anyway."""
        if choice is None:
            return None
        simple = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
        if isinstance(choice, str) and choice in simple:
            return {"type": simple[choice]}
        if isinstance(choice, dict):
            if choice.get("type") == "allowed_tools":
                mode = _allowed(choice).get("mode")
                return {"type": "any" if mode == "required" else "auto"}
            name = name_of(choice) or choice.get("name")
            if isinstance(name, str):
                return {"type": "tool", "name": self._names.to_wire(name)}
            if choice.get("type") in simple:
                return {"type": simple[choice["type"]]}
        self._drops.unsupported("tool_choice")
        return None

    @staticmethod
    def only_allowed(tools: list[JsonObject], choice: object) -> list[JsonObject]:
        """`tools` without those that an `allowed_tools` choice leaves out: Anthropic has no list of allowed tools."""
        if not (isinstance(choice, dict) and choice.get("type") == "allowed_tools"):
            return tools
        listed = _allowed(choice).get("tools")
        allowed = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        names = {name_of(item) or item.get("name") for item in allowed} - {None}
        kinds = {item.get("type") for item in allowed}
        return [
            tool for tool in tools if name_of(tool) in names or (name_of(tool) is None and tool.get("type") in kinds)
        ]


def _allowed(choice: JsonObject) -> JsonObject:
    inner = choice.get("allowed_tools")
    return inner if isinstance(inner, dict) else choice
