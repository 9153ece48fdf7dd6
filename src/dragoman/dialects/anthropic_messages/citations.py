"""Citations of a text block, as annotations of the hub's message and back."""

from __future__ import annotations

from dragoman.dialects.anthropic_messages.sealed_blocks import is_sealed, seal_citation
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.types.json import JsonObject

__all__ = ["citation_for_caller", "citation_for_target", "read_citation", "span_of"]


def read_citation(citation: JsonObject, start: int, end: int, vendor: str) -> JsonObject:
    """The annotation of `content[start:end]`. Anthropic's own words are kept beside OpenAI's, to be written back."""
    url = citation.get("url") or citation.get("source")
    kept = {"vendor": vendor, "citation": citation}
    if not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        return {"type": "provider_citation", "provider_citation": kept | {"start_index": start, "end_index": end}}
    title = citation.get("title")
    read: JsonObject = {
        "type": "url_citation",
        "url_citation": {
            "start_index": start,
            "end_index": end,
            "url": url,
            "title": title if isinstance(title, str) else "",
        },
    }
    if not is_sealed(citation.get("encrypted_index")):
        read["provider_citation"] = kept
    return read


def span_of(annotation: JsonObject) -> tuple[int, int]:
    """Where in the text an annotation stands; (0, 0) where it does not say."""
    for key in ("url_citation", "provider_citation"):
        place = annotation.get(key)
        if isinstance(place, dict):
            start, end = place.get("start_index"), place.get("end_index")
            if isinstance(start, int) and isinstance(end, int):
                return start, end
    return 0, 0


def citation_for_target(annotation: JsonObject, vendor: str | None) -> JsonObject | None:
    """Anthropic's own citation, for a request to a target that understands it. Those of others mean nothing there."""
    kept = annotation.get("provider_citation")
    if isinstance(kept, dict) and kept.get("vendor") == vendor and isinstance(kept.get("citation"), dict):
        citation: JsonObject = kept["citation"]
        return citation
    return None


def citation_for_caller(annotation: JsonObject, text: str) -> JsonObject | None:
    """A citation for an Anthropic client: the vendor's own, or one of the web made from OpenAI's words."""
    own = citation_for_target(annotation, VENDOR)
    if own is not None:
        return own
    web = annotation.get("url_citation")
    if not isinstance(web, dict) or not isinstance(web.get("url"), str):
        return None
    start, end = span_of(annotation)
    return {
        "type": "web_search_result_location",
        "cited_text": text[start:end],
        "url": web["url"],
        "title": web["title"] if isinstance(web.get("title"), str) else None,
        "encrypted_index": seal_citation(),
    }
