"""config.yaml: what is right becomes records, what is wrong is told whole, and no secret is ever shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.errors import ConfigError
from dragoman.gateway.config.gateway_config import GatewayConfig, export, parse_config, read_config
from dragoman.gateway.config.settings_table import SECTIONS

MODEL = {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "api_key": "key-of-the-deployment"}}
BACKUP = {"model_name": "backup", "params": {"model": "anthropic/claude-sonnet-4-5", "api_key": "another-key-1234"}}


def parse(text: str, **environment: str) -> GatewayConfig:
    return parse_config(yaml.safe_load(text), environment)


def faults(data: dict[str, Any], **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(data, environment)
    return caught.value.message.splitlines()


def test_the_example_of_the_documentation_is_read() -> None:
    config = parse(
        """
        model_list:
        - model_name: smart
          litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY, timeout: 30}
        - model_name: smart-backup
          litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, temperature: 0.5}
        router_settings:
          fallbacks: [{ "smart": ["smart-backup"] }]
          num_retries: 1
          model_group_alias: {gpt-4: smart, old: {model: smart-backup, hidden: true}}
        litellm_settings: {drop_params: true, request_timeout: 33, num_retries: 7}
        general_settings: {master_key: os.environ/MASTER, max_request_size_mb: 1, log_requests: true}
        """,
        ANTHROPIC_API_KEY="anthropic-key-1",
        OPENAI_API_KEY="openai-key-2",
        MASTER="sk-a-long-enough-master-key",
    )
    smart, backup = config.deployments
    assert (smart.alias, smart.provider.name, smart.model) == ("smart", "anthropic", "claude-sonnet-4-5")
    assert (smart.options.api_key, smart.options.timeout) == ("anthropic-key-1", 30)
    assert backup.params == {"temperature": 0.5}
    assert config.router.fallbacks == {"smart": ("smart-backup",)}
    assert (config.router.num_retries, config.router.timeout, config.router.drop_params) == (1, 33, True)
    assert config.router.model_group_alias == {"gpt-4": ("smart", False), "old": ("smart-backup", True)}
    assert config.aliases == {"gpt-4": "smart"}
    assert config.master_key == "sk-a-long-enough-master-key"
    assert config.limits.max_request_bytes == 2**20
    assert config.log_requests
    assert config.unsupported == ()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, "model_list: expected a list of models, each with model_name and litellm_params"),
        ({"model_list": []}, "model_list: expected a list of models, each with model_name and litellm_params"),
        ({"model_list": [MODEL], "modell_list": []}, "modell_list: unknown key (did you mean 'model_list'?)"),
        ({"model_list": [MODEL], "num_retries": 1}, "num_retries: unknown key; it belongs under litellm_settings"),
        (
            {"model_list": [MODEL], "general_settings": {"master_kei": "x"}},
            "general_settings.master_kei: unknown key (did you mean 'master_key'?)",
        ),
        (
            {"model_list": [MODEL], "general_settings": {"master_key": 5}},
            "general_settings.master_key: expected a text that is not empty, got a number (write it in quotes)",
        ),
        ({"model_list": [MODEL], "general_settings": []}, "general_settings: expected a mapping"),
        (
            {"model_list": [MODEL], "router_settings": {"num_retries": -1}},
            "router_settings.num_retries: expected a whole number from 0 to 100, got -1",
        ),
        (
            {"model_list": [MODEL], "router_settings": {"timeout": "soon"}},
            "router_settings.timeout: expected a number of seconds, got a text",
        ),
        (
            {"model_list": [MODEL], "litellm_settings": {"drop_params": "yes"}},
            "litellm_settings.drop_params: expected true or false, got a text",
        ),
        (
            {"model_list": [MODEL], "router_settings": {"fallbacks": "smart"}},
            "router_settings.fallbacks: expected a list of {alias: [models]}",
        ),
        (
            {"model_list": [MODEL], "router_settings": {"fallbacks": [{"smart": ["smort"]}]}},
            "router_settings.fallbacks.smart: 'smort' is not in model_list (did you mean 'smart'?)",
        ),
        (
            {"model_list": [MODEL], "router_settings": {"fallbacks": [{"smat": ["smart"]}]}},
            "router_settings.fallbacks: 'smat' is not in model_list (did you mean 'smart'?)",
        ),
        (
            {"model_list": [MODEL], "litellm_settings": {"default_fallbacks": ["nope"]}},
            "litellm_settings.default_fallbacks: 'nope' is not in model_list",
        ),
        (
            {"model_list": [MODEL], "router_settings": {"model_group_alias": {"a": "gone"}}},
            "router_settings.model_group_alias.a: 'gone' is not in model_list",
        ),
        (
            {"model_list": [{**MODEL, "litellm_parms": {}}]},
            "model_list[0].litellm_parms: unknown key (did you mean 'litellm_params'?)",
        ),
        (
            {"model_list": [{**MODEL, "params": {"model": "openai/x"}}]},
            "model_list[0].params: is another word for litellm_params, which is given too",
        ),
        (
            {"model_list": [MODEL, {"model_name": "b", "litellm_params": {"model": "openai/gpt-4o", "modell": "x"}}]},
            "model_list[1].litellm_params.modell: unknown key (did you mean 'model'?)",
        ),
        (
            {"model_list": [{"model_name": "b", "litellm_params": {"model": "opnai/gpt-4o"}}]},
            "model_list[0].litellm_params.model: unknown provider 'opnai' (did you mean 'openai'",
        ),
        ({"model_list": [{"model_name": "b", "litellm_params": {}}]}, "model_list[0].litellm_params.model: "),
        ({"model_list": [{"litellm_params": {"model": "openai/x"}}]}, "model_list[0].model_name: "),
        ({"model_list": ["smart"]}, "model_list[0]: expected a mapping"),
        *(
            (
                {"model_list": [{"model_name": "b", "params": {"model": "openai/x", "api_base": address}}]},
                "model_list[0].params.api_base: expected an address that begins with http:// or https://",
            )
            for address in ("localhost:8000/v1", "ftp://provider", "https://", "http://provider:port", "https://[v1")
        ),
        (
            {"model_list": [{"model_name": "b", "params": {"model": "openai/x", "quirk_of_mine": 1}}]},
            "model_list[0].params.quirk_of_mine: unknown key; a parameter that only this provider knows goes under extra_body",
        ),
        ({"model_list": [MODEL, dict(MODEL)]}, "model_list[1]: is the same as model_list[0]"),
        (
            {
                "model_list": [
                    {"model_name": "b", "litellm_params": {"model": "openai/x", "api_key": "os.environ/GONE"}}
                ]
            },
            "model_list[0].litellm_params.api_key: the environment variable GONE is not set",
        ),
        (
            {"model_list": [MODEL], "environment_variables": {"A": ["x"]}},
            "environment_variables.A: expected a text or a number",
        ),
        ({"model_list": [MODEL], "providers": "mine"}, "providers: expected a list, or a mapping of names"),
        ({"model_list": [MODEL], "providers": {"mine": {"bas_url": "http://x"}}}, "providers.mine"),
    ],
)
def test_each_fault_is_told_with_its_path(data: dict[str, Any], expected: str) -> None:
    assert any(line.startswith(expected) for line in faults(data)), faults(data)


def test_all_faults_are_told_at_once() -> None:
    told = faults(
        {
            "model_list": [{"model_name": "a", "litellm_params": {"model": "openai/x", "tempratur": 1}}, 5],
            "router_settings": {"timeout": -1, "retries": 2},
            "general_setings": {},
        }
    )
    assert [line.partition(":")[0] for line in told] == [
        "general_setings",
        "router_settings.retries",
        "model_list[0].litellm_params.tempratur",
        "model_list[1]",
        "router_settings.timeout",
    ]


def test_names_and_the_master_key_are_looked_at_beside_other_faults() -> None:
    told = faults(
        {
            "model_list": [MODEL, {"model_name": "other", "params": {"model": "opnai/x"}}],
            "router_settings": {"fallbacks": [{"smart": ["other", "gone"]}]},
            "general_settings": {"master_key": "sk-1234"},
        }
    )
    assert [line.partition(": ")[0] for line in told] == [
        "model_list[1].params.model",
        "router_settings.fallbacks.smart",
        "general_settings.master_key",
    ]


def test_litellms_keys_that_do_nothing_yet_are_told_once() -> None:
    config = parse_config(
        {
            "model_list": [
                {"model_name": "a", "litellm_params": {"model": "openai/x", "budget_duration": "1d", "max_budget": 1}}
            ],
            "general_settings": {"database_url": "postgresql://somewhere"},
            "litellm_settings": {"callbacks": ["langfuse"]},
            "router_settings": {"polling_interval": 1, "default_litellm_params": {"caching": True}},
            "guardrails": [],
        },
        {},
    )
    assert set(config.unsupported) == {
        "guardrails",
        "general_settings.database_url",
        "litellm_settings.callbacks",
        "router_settings.polling_interval",
        "router_settings.default_litellm_params.caching",
        "model_list[0].litellm_params.budget_duration",
        "model_list[0].litellm_params.max_budget",
    }


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_a_key_is_either_supported_or_not(section: str) -> None:
    known = SECTIONS[section]
    assert known.settings
    assert not known.unsupported & set(known.settings)


def test_values_from_the_environment_take_the_type_that_is_wanted() -> None:
    data = {
        "model_list": [MODEL],
        "router_settings": {"num_retries": "os.environ/RETRIES"},
        "litellm_settings": {"drop_params": "os.environ/DROP"},
    }
    config = parse_config(data, {"RETRIES": "3", "DROP": "True"})
    assert (config.router.num_retries, config.router.drop_params) == (3, True)
    assert faults(data, RETRIES="many", DROP="1") == [
        "router_settings.num_retries: expected a number, got a text from the environment"
    ]


def test_environment_variables_are_seen_by_the_rest_and_exported() -> None:
    config = parse_config(
        {
            "environment_variables": {"MY_KEY": "os.environ/OUTER", "PORT": 5, "FLAG": True},
            "model_list": [
                {"model_name": "a", "litellm_params": {"model": "openai/x", "api_key": "os.environ/MY_KEY"}}
            ],
        },
        {"OUTER": "from-outside"},
    )
    environment: dict[str, str] = {}
    export(config, environment)
    assert environment == {"MY_KEY": "from-outside", "PORT": "5", "FLAG": "true"}
    assert config.deployments[0].options.api_key == "from-outside"


@pytest.mark.parametrize("name", ["DRAGOMAN_MASTER_KEY", "LITELLM_MASTER_KEY"])
def test_the_master_key_may_stand_in_the_environment(name: str) -> None:
    assert parse_config({"model_list": [MODEL]}, {name: "sk-something-long"}).master_key == "sk-something-long"


def test_custom_providers_are_used() -> None:
    row = {"base_url": "http://127.0.0.1:9/v1", "api_key_env": "MINE_API_KEY"}
    model = {"model_name": "m", "litellm_params": {"model": "mine/x", "api_key": "abcdefgh"}}
    for providers in ({"mine": row}, [{"name": "mine", **row}]):
        config = parse_config({"providers": providers, "model_list": [model]}, {})
        assert config.deployments[0].provider.base_url == "http://127.0.0.1:9/v1"


def test_a_wildcard_is_a_model_for_fallbacks_too() -> None:
    wild = {"model_name": "openai/*", "litellm_params": {"model": "openai/*"}}
    data = {"model_list": [MODEL, wild], "router_settings": {"fallbacks": [{"smart": ["openai/gpt-4o-mini"]}]}}
    assert parse_config(data, {}).router.fallbacks == {"smart": ("openai/gpt-4o-mini",)}


def test_no_secret_is_in_a_repr_or_an_error() -> None:
    canary = "canary-4a7f-never-shown"
    data: dict[str, Any] = {
        "general_settings": {"master_key": canary},
        "model_list": [{"model_name": "a", "litellm_params": {"model": "openai/x", "api_key": canary}}],
        "environment_variables": {"OPENAI_API_KEY": canary},
    }
    config = parse_config(data, {})
    assert canary not in repr(config) + repr(config.deployments)
    assert canary in config.secrets
    data["model_list"].append({"model_name": canary * 0, "litellm_params": {"model": "openai/x", "timeout": canary}})
    assert canary not in "\n".join(faults(data))


class TestFiles:
    def test_a_missing_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="there is no such file"):
            read_config(tmp_path / "config.yaml", {})

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("model_list:\n  - {model_name: a\n  - b", "line 4, column 1: did not find"),
            ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "line 5, column 3: the key 'c' is given twice (first in line 3)"),
            ("- a\n", "expected a mapping of sections"),
            ("a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
            ("a: &x [*x]\nb: *y\n", "undefined alias"),
        ],
    )
    def test_bad_yaml_is_told_with_its_line(self, tmp_path: Path, text: str, told: str) -> None:
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            read_config(tmp_path / "c.yaml", {})
        assert told in caught.value.message

    def test_includes_are_joined(self, tmp_path: Path) -> None:
        (tmp_path / "models.yaml").write_text("model_list:\n- {model_name: a, params: {model: openai/x}}\n")
        (tmp_path / "c.yaml").write_text(
            "include: [models.yaml]\nmodel_list:\n- {model_name: b, params: {model: openai/y}}\n"
            "router_settings: {num_retries: 0}\n"
        )
        config = read_config(tmp_path / "c.yaml", {})
        assert [deployment.alias for deployment in config.deployments] == ["a", "b"]
        assert config.router.num_retries == 0

    def test_includes_may_neither_go_in_circles_nor_contradict(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("include: b.yaml\n")
        (tmp_path / "b.yaml").write_text("include: a.yaml\n")
        with pytest.raises(ConfigError, match="includes itself"):
            read_config(tmp_path / "a.yaml", {})
        (tmp_path / "b.yaml").write_text("router_settings: {num_retries: 1}\n")
        (tmp_path / "a.yaml").write_text("include: b.yaml\nrouter_settings: {num_retries: 2}\n")
        with pytest.raises(ConfigError, match="num_retries"):
            read_config(tmp_path / "a.yaml", {})

    def test_yaml_merge_keys_are_no_repetitions(self, tmp_path: Path) -> None:
        (tmp_path / "c.yaml").write_text(
            "model_list:\n- model_name: a\n  params: &p {model: openai/x, api_key: abcdefgh}\n"
            "- model_name: b\n  params: {<<: *p, model: openai/y}\n"
        )
        config = read_config(tmp_path / "c.yaml", {})
        assert [(d.model, d.options.api_key) for d in config.deployments] == [("x", "abcdefgh"), ("y", "abcdefgh")]
