"""What never leaves: control parameters and credentials, by name. What a provider needs does."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dragoman.gateway.config.settings_table import REQUEST_PARAMS
from dragoman.gateway.http.controls import _SERVER_FIELDS
from dragoman.litellm.controls import CONTROL_NAMES, is_control, is_secret_name
from dragoman.routing.settings.options import OPTION_NAMES, split_params
from dragoman.routing.settings.stored_metadata import keep_stored
from dragoman.sdk.params import CallParams, ChatParams, EmbeddingParams, TextParams
from tests.recordings import all_recordings

SECRETS = """
    langfuse_secret_key azure_password s3_secret_access_key client_secret my_secret myPassword access-token apiKey auth token
    x_api_key db_passwd anthropic_keycloak_client_secret_ref signoz_ingestion_key session_token_file key
"""
SENT = """
    prompt_cache_key max_tokens max_completion_tokens add_bos_token ignore_eos min_tokens stop_token_ids truncate_prompt_tokens
    safety_identifier cached_content keywords monkey tokenizer top_k guided_json chat_template_kwargs
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_credentials_are_known_by_their_words(name: str) -> None:
    assert is_control(name)


@pytest.mark.parametrize("name", SENT.split())
def test_a_parameter_that_only_sounds_alike_is_sent(name: str) -> None:
    assert not is_secret_name(name)
    assert not is_control(name)


def test_no_parameter_of_a_request_is_a_control() -> None:
    own = CallParams.__annotations__.keys()
    typed = {
        name for kind in (ChatParams, TextParams, EmbeddingParams) for name in kind.__annotations__ if name not in own
    }
    assert [name for name in {*REQUEST_PARAMS, *typed} if is_control(name)] == []


def test_no_recorded_request_holds_a_control() -> None:
    asked = ("chat", "messages", "generateContent", "completions", "embeddings", "count-tokens")
    bodies = [recording.request_body for recording in all_recordings() if recording.endpoint in asked]
    found = {name for body in bodies if isinstance(body, dict) for name in body if is_control(name)}
    assert found == set()


def test_what_a_server_says_is_an_option_or_a_control() -> None:
    assert [name for name in _SERVER_FIELDS if name not in OPTION_NAMES and not is_control(name)] == []


@given(st.sampled_from(sorted(CONTROL_NAMES)) | st.sampled_from(SECRETS.split()), st.text(min_size=8))
def test_no_control_is_sent(name: str, value: str) -> None:
    parts = split_params({name: value, "extra_body": {name: value, "own": 1}})
    assert name not in parts.rest
    assert parts.options.get("extra_body", {}) == {"own": 1}
    assert {name, f"extra_body.{name}"} >= parts.ignored.keys() >= {f"extra_body.{name}"}


LABELS: dict[str, Any] = {
    "tags": ["a"],
    "priority": 1,
    "session_id": "s",
    "litellm_trace_id": "t",
    "user_api_key_hash": "h",
}


@pytest.mark.parametrize(
    ("store", "sent"), [(True, {"topic": "test"}), (False, None), (None, None), ("true", None), (1, None)]
)
def test_metadata_goes_with_store_only_and_without_what_is_ours(store: Any, sent: Any) -> None:
    body = json.loads(json.dumps({"metadata": {**LABELS, "topic": "test"}, "store": store}))
    keep_stored(body)
    assert body.get("metadata") == sent


def test_metadata_that_is_all_ours_does_not_leave_an_empty_object() -> None:
    body = {"metadata": dict(LABELS), "store": True}
    keep_stored(body)
    assert body == {"store": True}
