"""Chat models behind OpenAI's Chat Completions API: OpenAI itself and every compatible server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from citewise.answer import remote
from citewise.answer.prompt import MARKER_SYSTEM, user_message
from citewise.errors import ProviderError
from citewise.language.hidden import visible
from citewise.protocols import ChatEvent, Finished, Source, TextDelta
from citewise.providers.endpoint import (
    Endpoint,
    TooLongError,
    refused_request,
    retry_after_of,
    unreachable,
    unreadable,
    without_key,
)
from citewise.types import Message, Usage

if TYPE_CHECKING:
    from openai import Stream
    from openai.types.chat import ChatCompletionChunk

_OFFICIAL_URL = "https://api.openai.com/v1"
_OFFICIAL_HOST = "api.openai.com"
_REASONING = ("gpt-5", "gpt-6", "o1", "o3", "o4")  # names of models that think first begin so
_LENGTHS = ("max_tokens", "max_completion_tokens")
_STOPS = {"stop": "complete", "length": "truncated", "content_filter": "refused"}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What differs between servers that are compatible with OpenAI's."""

    length: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # what the longest answer is called
    temperature: float | None = None  # None: none is sent
    usage: bool = True  # ask for the number of tokens


@dataclass(frozen=True, slots=True)
class Account:
    """Under which name a compatible server is known here, and which settings speak of it."""

    provider: str = "openai"  # before the colon of a model's name
    label: str = "The model server"
    key_variable: str = "OPENAI_API_KEY"
    url_variable: str = "OPENAI_BASE_URL"


class OpenAIModel:
    """A model that writes ``[n]`` markers itself.

    Args:
        name: The model's name at the provider.
        api_key: May be empty for compatible servers.
        base_url: Address of a compatible server; ``None`` means OpenAI.
        account: Whose server is at ``base_url``.
        parameters: What that server is sent.
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
        account: Account = Account(),
        parameters: Parameters = Parameters(),
        context_tokens: int = 128_000,
        output_tokens: int = 1_024,
        connect_s: float = 5,
        first_token_s: float = 20,
        between_tokens_s: float = 15,
        total_s: float = 120,
    ) -> None:
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key or ""
        url = base_url or _OFFICIAL_URL
        self._official = urlsplit(url).hostname == _OFFICIAL_HOST
        self._endpoint = Endpoint(
            provider=account.provider,
            label="OpenAI" if self._official else account.label,
            model=name,
            url=url,
            key=key,
            key_variable=account.key_variable,
            url_variable=account.url_variable,
            too_long=remote.TOO_LONG,
        )
        self._parameters = parameters
        self._patience = remote.Patience(connect_s, first_token_s, between_tokens_s, total_s)
        self._context_tokens = context_tokens
        self._output_tokens = output_tokens

    @property
    def name(self) -> str:
        return f"{self._endpoint.provider}:{self._endpoint.model}"

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
        messages: list[dict[str, str]] = [
            {"role": "system", "content": MARKER_SYSTEM},
            *({"role": message.role, "content": message.content} for message in history),
            {"role": "user", "content": user_message(question, sources)},
        ]
        yield from self._reply(messages, cancelled)

    def write(
        self, instructions: str, text: str, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextDelta | Finished]:
        yield from self._reply(
            [{"role": "system", "content": instructions}, {"role": "user", "content": visible(text)}], cancelled
        )

    def _reply(self, messages: list[dict[str, str]], cancelled: Callable[[], bool]) -> Iterator[TextDelta | Finished]:
        if self._official and not self._endpoint.key:
            raise without_key(self._endpoint)
        import openai  # noqa: F401, PLC0415 - takes a second, which is not to be the provider's

        request = {"model": self._endpoint.model, "messages": messages, "stream": True, **self._options()}
        yield from remote.with_retries(
            lambda started: self._attempt(request, started, cancelled), patience=self._patience, cancelled=cancelled
        )

    def _options(self) -> dict[str, Any]:
        model, wanted = self._endpoint.model, self._parameters
        options: dict[str, Any] = {}
        if wanted.usage:
            options["stream_options"] = {"include_usage": True}
        if wanted.temperature is not None:
            options["temperature"] = wanted.temperature
        if not self._official:
            return options | {wanted.length: self._output_tokens}
        reasons = model.startswith(_REASONING) and "chat" not in model
        if reasons:
            options["reasoning_effort"] = "low"
        return options | {"max_completion_tokens": self._output_tokens + (remote.THINKING_TOKENS if reasons else 0)}

    def _attempt(
        self, request: dict[str, Any], started: float, cancelled: Callable[[], bool]
    ) -> Iterator[TextDelta | Finished]:
        stop: str | None = None
        reason: str | None = None
        usage = Usage()
        some = False
        for chunk in self._chunks(request, started, cancelled):
            usage = _usage(chunk) or usage
            for choice in _choices(chunk):
                if choice.delta and choice.delta.refusal:
                    stop, reason = "refused", (reason or "") + choice.delta.refusal
                if choice.delta and choice.delta.content:
                    some = some or bool(choice.delta.content.strip())
                    yield TextDelta(choice.delta.content)
                if choice.finish_reason and stop != "refused":
                    stop = _STOPS.get(choice.finish_reason, "complete")
        if cancelled():
            return
        match stop:
            case None:
                raise remote.cut(self._endpoint, started=some)
            case "truncated":
                yield Finished("truncated", usage)
            case "refused":
                yield Finished("refused", usage, reason or "The provider's content filter stopped the answer.")
            case _ if not some:
                raise remote.empty(self._endpoint)
            case _:
                yield Finished("complete", usage)

    def _chunks(
        self, request: dict[str, Any], started: float, cancelled: Callable[[], bool]
    ) -> Iterator[ChatCompletionChunk]:
        import httpx2  # noqa: PLC0415
        import openai  # noqa: PLC0415

        request = dict(request)
        refused: set[str] = set()
        while True:
            some = False
            try:
                for chunk in remote.read_stream(
                    lambda: self._opened(request),
                    endpoint=self._endpoint,
                    patience=self._patience,
                    started=started,
                    is_token=_is_token,
                    cancelled=cancelled,
                ):
                    some = some or _is_token(chunk)
                    yield chunk
                return
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                explained = self._explained(error, some=some)
                if isinstance(explained, TooLongError) or not self._adapt(request, str(error), refused):
                    raise explained from error
            except (openai.OpenAIError, httpx2.TransportError, *remote.UNREADABLE) as error:
                raise self._explained(error, some=some) from error

    def _adapt(self, request: dict[str, Any], message: str, refused: set[str]) -> bool:
        """Take out the option that a server complains of; ``False`` when it is none of ours."""
        for option, other in (_LENGTHS, _LENGTHS[::-1]):
            # The one that a message recommends is named by it too.
            if option in request and option in message and other not in refused:
                refused.add(option)
                request[other] = request.pop(option)
                return True
        for option in ("stream_options", "reasoning_effort", "temperature", *_LENGTHS):
            if option in request and (option in message or (option == "stream_options" and "include_usage" in message)):
                del request[option]
                return True
        # Some servers refuse what they do not know without naming it; of ours this one is the least known.
        return not self._official and request.pop("stream_options", None) is not None

    @contextmanager
    def _opened(self, request: dict[str, Any]) -> Iterator[Stream[ChatCompletionChunk]]:
        import httpx2  # noqa: PLC0415
        import openai  # noqa: PLC0415

        patience = self._patience
        with (
            openai.OpenAI(
                api_key=self._endpoint.key or "none",  # compatible servers want one, whatever it is
                base_url=self._endpoint.url,
                max_retries=0,
                http_client=openai.DefaultHttpxClient(verify=remote.tls()),
                timeout=httpx2.Timeout(
                    # Our own limits come first; this one ends the thread that was left behind.
                    max(patience.first_token_s, patience.between_tokens_s) + 1,
                    connect=patience.connect_s,
                ),
            ) as client,
            client.chat.completions.create(**request) as stream,
        ):
            yield stream

    def _explained(self, error: Exception, *, some: bool) -> ProviderError:
        import httpx2  # noqa: PLC0415
        import openai  # noqa: PLC0415

        match error:
            case openai.APIStatusError():
                return refused_request(
                    self._endpoint,
                    status=error.status_code,
                    message=_words(error),
                    retry_after=retry_after_of(error.response.headers),
                )
            case openai.APIConnectionError() | httpx2.TransportError():
                return remote.cut(self._endpoint) if some else unreachable(self._endpoint, error)
            case openai.APIError() if not isinstance(error, openai.APIResponseValidationError):
                # An error that was sent inside the stream.
                return refused_request(self._endpoint, status=500, message=_words(error))
        return unreadable(self._endpoint)


def _choices(chunk: ChatCompletionChunk) -> Sequence[Any]:
    # The SDK checks nothing, and compatible servers leave out what they like.
    return getattr(chunk, "choices", None) or ()


def _usage(chunk: ChatCompletionChunk) -> Usage | None:
    usage = getattr(chunk, "usage", None)
    if usage is None:
        return None
    details = usage.prompt_tokens_details
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0, (details.cached_tokens or 0) if details else 0)


def _is_token(chunk: ChatCompletionChunk) -> bool:
    for choice in _choices(chunk):
        delta = choice.delta
        if choice.finish_reason or (delta and (delta.content or delta.refusal)):
            return True
        # Servers with models that think aloud stream their thoughts under these names.
        thoughts = (delta.model_extra or {}) if delta else {}
        if thoughts.get("reasoning_content") or thoughts.get("reasoning"):
            return True
    return False


def _words(error: Any) -> str:
    body = error.body
    if isinstance(body, dict):
        code = body.get("code") or ""
        return f"{body.get('message') or ''} {'(context_length)' if code == 'context_length_exceeded' else ''}".strip()
    return str(error.message)
