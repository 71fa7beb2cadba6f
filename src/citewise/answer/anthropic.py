"""Chat models of Anthropic, with its native citations.

Every source is a ``search_result`` block with one text block per sentence, so that a
citation names whole sentences by their index, and no words have to be found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from citewise.answer import remote
from citewise.answer.prompt import NATIVE_SYSTEM, source_heading
from citewise.answer.sentences import sentence_spans
from citewise.errors import ProviderError
from citewise.language.hidden import visible
from citewise.protocols import ChatEvent, Finished, Quoted, Source, TextDelta
from citewise.providers.endpoint import Endpoint, refused_request, retry_after_of, unreachable, unreadable, without_key
from citewise.types import Message, Usage

if TYPE_CHECKING:
    from anthropic import Stream
    from anthropic.types import RawMessageStreamEvent

_OFFICIAL_URL = "https://api.anthropic.com"
_NOT_THINKING = ("claude-2", "claude-3", "claude-haiku-4", "claude-sonnet-4", "claude-opus-4")
"""Names of models that think only when told to begin so; newer ones do it unasked."""
_STATUS_OF_KIND = {
    "authentication_error": 401,
    "permission_error": 403,
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "invalid_request_error": 400,
}


class AnthropicModel:
    """A model that ties its sentences to sources by itself.

    Args:
        name: The model's name at the provider.
        api_key: Needed, unless a compatible server does without.
        base_url: Address of a compatible server; ``None`` means Anthropic.
        context_tokens: What the model can read and write in one call.
        output_tokens: Longest answer.
        connect_s, first_token_s, between_tokens_s, total_s: Time limits in seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        api_key: SecretStr | str | None,
        base_url: str | None = None,
        context_tokens: int = 200_000,
        output_tokens: int = 1_024,
        connect_s: float = 5,
        first_token_s: float = 20,
        between_tokens_s: float = 15,
        total_s: float = 120,
    ) -> None:
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key or ""
        self._official = not base_url
        self._endpoint = Endpoint(
            provider="anthropic",
            label="Anthropic",
            model=name,
            url=base_url or _OFFICIAL_URL,
            key=key,
            key_variable="ANTHROPIC_API_KEY",
            url_variable="ANTHROPIC_BASE_URL",
            too_long=remote.TOO_LONG,
        )
        self._patience = remote.Patience(connect_s, first_token_s, between_tokens_s, total_s)
        self._context_tokens = context_tokens
        self._output_tokens = output_tokens

    @property
    def name(self) -> str:
        return f"anthropic:{self._endpoint.model}"

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def stream(
        self,
        question: str,
        sources: Sequence[Source],
        *,
        history: Sequence[Message] = (),
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ChatEvent]:
        results = [_search_result(source) for source in sources]
        blocks = [*(result.block for result in results), {"type": "text", "text": visible(question)}]
        # History is plain text, since citations of earlier turns must not be sent back.
        messages: list[dict[str, Any]] = [
            *({"role": message.role, "content": message.content} for message in history),
            {"role": "user", "content": blocks},
        ]
        yield from self._reply(NATIVE_SYSTEM, messages, results, cancelled)

    def write(
        self, instructions: str, text: str, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextDelta | Finished]:
        content = [{"type": "text", "text": visible(text)}]
        for event in self._reply(instructions, [{"role": "user", "content": content}], (), cancelled):
            if not isinstance(event, Quoted):  # there is nothing to quote
                yield event

    def _reply(
        self,
        instructions: str,
        messages: list[dict[str, Any]],
        results: Sequence[_SearchResult],
        cancelled: Callable[[], bool],
    ) -> Iterator[ChatEvent]:
        if self._official and not self._endpoint.key:
            raise without_key(self._endpoint)
        import anthropic  # noqa: F401, PLC0415 - takes a second, which is not to be the provider's

        # No temperature and the like: this API refuses them.
        thinking = 0 if self._endpoint.model.startswith(_NOT_THINKING) else remote.THINKING_TOKENS
        request = {
            "model": self._endpoint.model,
            "max_tokens": self._output_tokens + thinking,
            "system": instructions,
            "messages": messages,
            "stream": True,
        }
        yield from remote.with_retries(
            lambda started: self._attempt(request, results, started, cancelled),
            patience=self._patience,
            cancelled=cancelled,
        )

    def _attempt(
        self, request: dict[str, Any], results: Sequence[_SearchResult], started: float, cancelled: Callable[[], bool]
    ) -> Iterator[ChatEvent]:
        stop: str | None = None
        read = written = cached = 0
        some = False
        quotes: list[Quoted] = []
        for event in self._events(request, started, cancelled):
            match event.type:
                case "message_start":
                    usage = event.message.usage
                    cached = usage.cache_read_input_tokens or 0
                    read = usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0)
                    written = usage.output_tokens
                case "content_block_delta" if event.delta.type == "text_delta":
                    some = some or bool(event.delta.text.strip())
                    yield TextDelta(event.delta.text)
                case "content_block_delta" if event.delta.type == "citations_delta":
                    quotes.extend(quote for quote in _quoted(event.delta.citation, results) if quote not in quotes)
                case "content_block_stop":
                    # Citations may come before the words that they belong to, but end with their block.
                    yield from quotes
                    quotes = []
                case "message_delta":
                    stop = event.delta.stop_reason or stop
                    written = event.usage.output_tokens or written
        if cancelled():
            return
        total = Usage(read, written, cached)
        match stop:
            case None:
                raise remote.cut(self._endpoint, started=some)
            case "max_tokens" | "model_context_window_exceeded":
                yield Finished("truncated", total)
            case "refusal":
                yield Finished("refused", total, "The provider's safety filter stopped the answer.")
            case _ if not some:
                raise remote.empty(self._endpoint)
            case _:
                yield Finished("complete", total)

    def _events(
        self, request: dict[str, Any], started: float, cancelled: Callable[[], bool]
    ) -> Iterator[RawMessageStreamEvent]:
        import anthropic  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        some = False
        try:
            for event in remote.read_stream(
                lambda: self._opened(request),
                endpoint=self._endpoint,
                patience=self._patience,
                started=started,
                is_token=_is_token,
                cancelled=cancelled,
            ):
                some = some or _is_token(event)
                if _is_whole(event):
                    yield event
        except (anthropic.AnthropicError, httpx2.TransportError, *remote.UNREADABLE) as error:
            raise self._explained(error, some=some) from error

    @contextmanager
    def _opened(self, request: dict[str, Any]) -> Iterator[Stream[RawMessageStreamEvent]]:
        import anthropic  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        patience = self._patience
        with (
            anthropic.Anthropic(
                api_key=self._endpoint.key or "none",
                base_url=self._endpoint.url,
                max_retries=0,
                http_client=anthropic.DefaultHttpxClient(verify=remote.tls()),
                timeout=httpx2.Timeout(
                    # Our own limits come first; this one ends the thread that was left behind.
                    max(patience.first_token_s, patience.between_tokens_s) + 1,
                    connect=patience.connect_s,
                ),
            ) as client,
            client.messages.create(**request) as stream,
        ):
            yield stream

    def _explained(self, error: Exception, *, some: bool) -> ProviderError:
        import anthropic  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        match error:
            case anthropic.APIStatusError():
                kind, words = _kind_and_words(error)
                # An error inside the stream comes with the stream's own status, 200.
                status = error.status_code if error.status_code >= 400 else _STATUS_OF_KIND.get(kind, 500)
                return refused_request(
                    self._endpoint,
                    status=status,
                    message=words,
                    retry_after=retry_after_of(error.response.headers),
                )
            case anthropic.APIConnectionError() | httpx2.TransportError():  # this SDK lets the latter pass
                return remote.cut(self._endpoint) if some else unreachable(self._endpoint, error)
        return unreadable(self._endpoint)


@dataclass(frozen=True, slots=True)
class _SearchResult:
    marker: int
    spans: tuple[tuple[int, int], ...]  # of chunk.text, one per text block
    block: dict[str, Any]


def _search_result(source: Source) -> _SearchResult:
    text = source.hit.chunk.text
    spans = tuple(span for span in sentence_spans(text) if visible(text[slice(*span)]).strip())
    block = {
        "type": "search_result",
        "source": visible(source.hit.source),
        "title": source_heading(source),
        "content": [{"type": "text", "text": visible(text[start:end])} for start, end in spans],
        "citations": {"enabled": True},
    }
    return _SearchResult(source.marker, spans, block)


def _is_token(event: RawMessageStreamEvent) -> bool:
    # Thoughts count: the model is at work, even where they come without their words.
    return getattr(event, "type", "") in {"content_block_delta", "message_delta", "message_stop"}


def _is_whole(event: RawMessageStreamEvent) -> bool:
    """Whether an event has what is read of it; the SDK checks nothing."""
    match getattr(event, "type", ""):
        case "":
            return False
        case "message_start":
            return getattr(getattr(event, "message", None), "usage", None) is not None
        case "content_block_delta":
            return getattr(event, "delta", None) is not None
        case "message_delta":
            return getattr(event, "delta", None) is not None and getattr(event, "usage", None) is not None
    return True


def _quoted(citation: Any, results: Sequence[_SearchResult]) -> Iterator[Quoted]:
    if citation.type != "search_result_location" or not 0 <= citation.search_result_index < len(results):
        return
    result = results[citation.search_result_index]
    spans = result.spans[max(0, citation.start_block_index) : citation.end_block_index]
    if spans:
        yield Quoted(result.marker, spans[0][0], spans[-1][1])


def _kind_and_words(error: Any) -> tuple[str, str]:
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    if isinstance(inner, dict):
        return str(inner.get("type") or ""), str(inner.get("message") or "")
    return "", str(error.message)
