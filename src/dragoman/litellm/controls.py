"""Names that control a gateway or an SDK, and so never reach a provider, wherever a caller or a configuration writes them.

They are LiteLLM's (https://docs.litellm.ai/docs/completion/input, https://docs.litellm.ai/docs/proxy/configs), as its users
write them. Those without an effect here are reported, by name only: many of their values are secrets.
"""

from __future__ import annotations

import functools
import re

__all__ = ["CONTROL_NAMES", "is_control", "is_secret_name"]

_NAMES = """
    access_groups acompletion adaptive_router_config adaptive_router_default_model additional_headers aembedding
    aimg_generation allm_passthrough_route allow_client_keepalive_override allowed_model_region
    anthropic_disable_workload_identity_federation anthropic_organization_id anthropic_service_account_id api_type
    assistant_continue_message async_call atext_completion attempted_targets azure bedrock_tags bos_token
    budget_duration cache cache_key caching caching_groups chatgpt_auth_file client client_id client_secret
    client_side_timeout complete_response completion_call_id configurable_clientside_auth_params
    context_window_fallback_dict cost_per_query cost_per_second custom_prompt_dict custom_tokenizer daily_reset_time
    data_residency default_api_key_rpm_limit default_api_key_tpm_limit deployment_id
    disable_add_transform_inline_image_block enable_json_schema_validation enable_prompt_caching enable_tag_filtering
    ensure_alternating_roles eos_token explicit_cache_read_input_token_cost fallback_depth fastest_response
    fedramp_uplift_multiplier final_prompt_value fireworks_forward_user_id force_timeout guardrails hf_model_name id
    initial_prompt_value keepalive_seconds kubernetes_pod_discovery log_client_error_tracebacks logger_fn
    max_agentic_loops max_budget max_fallbacks max_file_size_mb merge_reasoning_content_in_choices model_alias_map
    model_config model_file_id_mapping model_info model_list no-log openai_identity_provider_id
    openai_identity_token_file openai_service_account_id organization output_vector_size policies preset_cache_key
    prompt_environment prompt_id prompt_label prompt_variables prompt_version provider_affinity_header
    provider_specific_header proxies proxy proxy_server_request region_name responses_api_version retry_policy
    retry_strategy roles router_settings_override routing_strategy rpd rust search_tool_name secret_fields
    shared_session ssl_certificate ssl_verify stream_chunk_size stream_response
    stream_timeout_by_service_tier supports_system_message switchyard_router_config tenant_id text_completion
    thought_signature_in_tool_call_id timeout_by_service_tier tpd ttl turn_off_message_logging
    use_chat_completions_api use_client use_in_pass_through use_litellm_proxy use_xai_oauth user_config
    user_continue_message verbose
"""
CONTROL_NAMES: frozenset[str] = frozenset(_NAMES.split())
"""Control parameters that have no effect yet."""
_PREFIXES_WORDS = """
    anthropic_federation_ anthropic_identity_ anthropic_issuer_ anthropic_keycloak_ arize_ auto_router_ aws_ azure_
    braintrust_ complexity_router_ dd_ gcs_ github_copilot_ helicone_ humanloop_ langfuse_ langsmith_ langtrace_
    litellm_ lunary_ newrelic_ openmeter_ otel_ posthog_ quality_router_ s3_ signoz_ token_exchange_ user_api_key_
    vertex_ wandb_ watsonx_ weave_
"""
_PREFIXES = tuple(_PREFIXES_WORDS.split())
"""How the settings of integrations and of credentials begin, those of tomorrow as well."""
_SECRETS_WORDS = """
    auth authorization credential credentials key passphrase passwd password pat pwd secret secrets token
"""
_SECRETS = frozenset(_SECRETS_WORDS.split())
"""The last word of a name that holds a credential."""
_NO_SECRETS_WORDS = """
    bos cls end eos image mask new pad sep special start stop unk
"""
_NO_SECRETS = frozenset(_NO_SECRETS_WORDS.split())
"""Before `token`: a token of a vocabulary (vLLM's `stop_token`, `add_bos_token`)."""
_REQUEST_NAMES = frozenset({"prompt_cache_key"})
"""Parameters of a provider's request that are named as a credential is and hold none."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_REFERENCES = frozenset({"base64", "env", "file", "id", "name", "path", "ref", "value"})
"""What may follow: `client_secret_ref`, `access_key_id`."""
_LONGEST = 128


def is_control(name: str) -> bool:
    """Whether a parameter of this name is never sent to a provider: a control, or anything that looks like a credential."""
    # A caller chooses the names: those of megabytes must not stay in a cache.
    return _is_control(name) if len(name) <= _LONGEST else _is_control.__wrapped__(name)


@functools.lru_cache(maxsize=4096)
def _is_control(name: str) -> bool:
    return name in CONTROL_NAMES or name.startswith(_PREFIXES) or is_secret_name(name)


def is_secret_name(name: str) -> bool:
    """Whether it is the name of a credential by its words: `my_secret`, `accessToken`, `api-key`, `client_secret_ref`."""
    if name in _REQUEST_NAMES:
        return False
    words = [word.lower() for word in _WORD.findall(name[-_LONGEST:])]
    while len(words) > 1 and words[-1] in _REFERENCES:
        words.pop()
    if not words or words[-1] not in _SECRETS:
        return False
    return not (words[-1] == "token" and len(words) > 1 and words[-2] in _NO_SECRETS)
