"""Read and write grounding and citations, in the hub the annotations of the text.

Google's indexes count bytes of UTF-8, OpenAI's count characters. Google's own fields stay beside them, verbatim.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.types.chat import Annotation
from dragoman.types.json import JsonObject

__all__ = ["citations", "write_grounding"]


def citations(candidate: JsonObject, text: str) -> list[Annotation]:
    """Return the citations of `candidate` in `text`, the whole text of its turn."""
    raw = text.encode(errors="surrogatepass")
    annotations = [
        *_grounding(candidate.get("groundingMetadata"), raw),
        *_citations(candidate.get("citationMetadata"), raw),
    ]
    return [annotation for annotation in annotations if annotation["url_citation"]["url"]]


def _grounding(metadata: Any, raw: bytes) -> Iterator[Annotation]:
    if not isinstance(metadata, dict):
        return
    chunks = metadata.get("groundingChunks")
    for support in _objects(metadata.get("groundingSupports")):
        segment = support.get("segment")
        segment = segment if isinstance(segment, dict) else {}
        start, end = _place(segment, raw)
        indices = support.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else ():
            chunk = _chunk(chunks, index)
            source = next((value for value in chunk.values() if isinstance(value, dict)), {})
            citation = {"groundingSupport": support, "groundingChunk": chunk}
            yield _annotation(source.get("uri"), source.get("title"), start, end, citation)


def _chunk(chunks: Any, index: Any) -> JsonObject:
    is_index = isinstance(chunks, list) and isinstance(index, int) and 0 <= index < len(chunks)
    chunk = chunks[index] if is_index else None
    return chunk if isinstance(chunk, dict) else {}


def _citations(metadata: Any, raw: bytes) -> Iterator[Annotation]:
    """Yield the annotations of `citationSources` (the Gemini API) or `citations` (Vertex AI)."""
    if not isinstance(metadata, dict):
        return
    for source in _objects(metadata.get("citations") or metadata.get("citationSources")):
        start, end = _place(source, raw)
        yield _annotation(source.get("uri"), source.get("title"), start, end, source)


def _objects(value: Any) -> Iterator[JsonObject]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def _annotation(url: Any, title: Any, start: int, end: int, citation: JsonObject) -> Annotation:
    return {
        "type": "url_citation",
        "url_citation": {"url": _text(url), "title": _text(title), "start_index": start, "end_index": end},
        "provider_citation": {"vendor": VENDOR, "citation": citation},
    }


def _place(segment: JsonObject, raw: bytes) -> tuple[int, int]:
    """Return the first character of a segment and the one behind it.

    The segment's text decides where its byte offsets are those of another part.
    """
    start, end = _index(segment.get("startIndex")), _index(segment.get("endIndex"))
    text = segment.get("text")
    if isinstance(text, str) and text and raw[start:end] != text.encode(errors="surrogatepass"):
        at = raw.find(text.encode(errors="surrogatepass"))
        if at >= 0:
            start, end = at, at + len(text.encode(errors="surrogatepass"))
    return len(raw[:start].decode(errors="ignore")), len(raw[:end].decode(errors="ignore"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _index(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def write_grounding(annotations: list[Annotation], text: str) -> JsonObject | None:
    """Return grounding metadata for annotations that did not come from Google; None where they hold no URL."""
    chunks: list[JsonObject] = []
    supports: list[JsonObject] = []
    places: dict[str, int] = {}
    for annotation in annotations:
        citation = annotation.get("url_citation")
        if not isinstance(citation, dict) or not isinstance(citation.get("url"), str):
            continue
        url = citation["url"]
        if url not in places:
            places[url] = len(chunks)
            chunks.append({"web": {"uri": url, **({"title": citation["title"]} if citation.get("title") else {})}})
        start, end = _index(citation.get("start_index")), _index(citation.get("end_index"))
        if end > start:
            segment = {
                "startIndex": len(text[:start].encode(errors="replace")),
                "endIndex": len(text[:end].encode(errors="replace")),
                "text": text[start:end],
            }
            supports.append({"segment": segment, "groundingChunkIndices": [places[url]]})
    if not chunks:
        return None
    return {"groundingChunks": chunks, **({"groundingSupports": supports} if supports else {})}
