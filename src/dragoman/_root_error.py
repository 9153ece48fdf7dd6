"""The root of all errors; the tree is in `dragoman.errors`."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["DragomanError"]


class DragomanError(Exception):
    """The root. `status_code` is the HTTP status with which a gateway reports it, `code` OpenAI's word for it."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str | None] = None
    default_type: ClassVar[str] = "api_error"
    retry_here: ClassVar[bool] = False
    retry_elsewhere: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        provider_code: str | None = None,
        retry_after: float | None = None,
        body: Any = None,
        request_id: str | None = None,
        llm_provider: str | None = None,
    ) -> None:
        """`llm_provider` is `provider`, under the name that LiteLLM's users know."""
        Exception.__init__(self, message)  # a class of openai's may stand between, which wants a response
        self.message = message
        self.status_code = status_code if status_code is not None else self.status
        self.code = code if code is not None else self.default_code
        self.param = param
        """The path of the request's field at fault, e.g. `messages[2].content`."""
        self.type = type or self.default_type
        self.provider = provider if provider is not None else llm_provider
        self.model = model
        self.provider_code = provider_code
        """The provider's own word for the error, as it sent it."""
        self.retry_after = retry_after
        """Seconds to wait, as the provider asked; None where it did not."""
        self.body = body
        """The provider's error body, parsed where it was JSON."""
        self.request_id = request_id
        self.should_retry: bool | None = None
        """False: the router has spent its attempts, and a client shall not multiply them by its own. None: as the status says."""
        self.attempts: tuple[Any, ...] = ()
        """What the router tried for the call (`dragoman.routing.Attempt`), the last attempt last."""

    @property
    def llm_provider(self) -> str | None:
        """The provider, under the name that LiteLLM's users know."""
        return self.provider
