"""Chat models behind OpenAI's Chat Completions API: OpenAI itself and every compatible server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from citewise.answer import remote
from citewise.answer.prompt import MARKER_SYSTEM, clean, user_message
from citewise.errors import ProviderError
from citewise.protocols import ChatEvent, Finished, Source, TextDelta
from citewise.providers.endpoint import Endpoint, refused_request, retry_after_of, unreachable, unreadable, without_key
from citewise.types import Message, Usage

if TYPE_CHECKING:
    from openai import Stream
    from openai.types.chat import ChatCompletionChunk

_OFFICIAL_URL = "https://api.openai.com/v1"
_OFFICIAL_HOST = "api.openai.com"
_REASONING_TOKENS = 4_096  # thinking counts as output and would else leave nothing for the answer
_STOPS = {"stop": "complete", "length": "truncated", "content_filter": "refused"}


class OpenAIModel:
    """A model that writes ``[n]`` markers itself.

    Args:
        name: The model's name at the provider.
        api_key: May be empty for compatible servers.
        base_url: Address of a compatible server; ``None`` means OpenAI.
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
            provider="openai",
            label="OpenAI" if self._official else "The model server",
            model=name,
            url=url,
            key=key,
            key_variable="OPENAI_API_KEY",
            url_variable="OPENAI_BASE_URL",
            too_long=remote.TOO_LONG,
        )
        self._patience = remote.Patience(connect_s, first_token_s, between_tokens_s, total_s)
        self._context_tokens = context_tokens
        self._output_tokens = output_tokens

    @property
    def name(self) -> str:
        return f"openai:{self._endpoint.model}"

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
            [{"role": "system", "content": instructions}, {"role": "user", "content": clean(text)}], cancelled
        )

    def _reply(
        self, messages: list[dict[str, str]], cancelled: Callable[[], bool]
    ) -> Iterator[TextDelta | Finished]:
        if self._official and not self._endpoint.key:
            raise without_key(self._endpoint)
        request = {"model": self._endpoint.model, "messages": messages, "stream": True, **self._options()}
        yield from remote.with_retries(
            lambda: self._attempt(request, cancelled), cancelled=cancelled, total_s=self._patience.total_s
        )

    def _options(self) -> dict[str, Any]:
        model = self._endpoint.model
        options: dict[str, Any] = {"stream_options": {"include_usage": True}}
        if not self._official:
            return options | {"max_tokens": self._output_tokens}
        reasons = model.startswith(("gpt-5", "o1", "o3", "o4")) and "chat" not in model
        if reasons:
            options["reasoning_effort"] = "low"
        return options | {"max_completion_tokens": self._output_tokens + (_REASONING_TOKENS if reasons else 0)}

    def _attempt(self, request: dict[str, Any], cancelled: Callable[[], bool]) -> Iterator[TextDelta | Finished]:
        stop: str | None = None
        reason: str | None = None
        usage = Usage()
        for chunk in self._chunks(request, cancelled):
            if chunk.usage is not None:
                usage = Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
            for choice in chunk.choices or ():
                if choice.delta.refusal:
                    stop, reason = "refused", (reason or "") + choice.delta.refusal
                if choice.delta.content:
                    yield TextDelta(choice.delta.content)
                if choice.finish_reason and stop != "refused":
                    stop = _STOPS.get(choice.finish_reason, "complete")
        if cancelled():
            return
        match stop:
            case None:
                raise remote.cut(self._endpoint)
            case "truncated":
                yield Finished("truncated", usage)
            case "refused":
                yield Finished("refused", usage, reason or "The provider's content filter stopped the answer.")
            case _:
                yield Finished("complete", usage)

    def _chunks(self, request: dict[str, Any], cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        import openai  # noqa: PLC0415  # takes most of a second, so only once it is needed

        request = dict(request)
        while True:
            started = False
            try:
                for chunk in remote.read_stream(
                    lambda: self._opened(request),
                    endpoint=self._endpoint,
                    patience=self._patience,
                    cancelled=cancelled,
                ):
                    started = True
                    yield chunk
                return
            except openai.BadRequestError as error:
                if not _adapt(request, str(error)):
                    raise self._explained(error, started=started) from error
            except (openai.OpenAIError, json.JSONDecodeError) as error:
                raise self._explained(error, started=started) from error

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
                timeout=httpx2.Timeout(
                    max(patience.first_token_s, patience.between_tokens_s), connect=patience.connect_s
                ),
            ) as client,
            client.chat.completions.create(**request) as stream,
        ):
            yield stream

    def _explained(self, error: Exception, *, started: bool) -> ProviderError:
        import openai  # noqa: PLC0415

        match error:
            case openai.APIStatusError():
                return refused_request(
                    self._endpoint,
                    status=error.status_code,
                    message=_words(error),
                    retry_after=retry_after_of(error.response.headers),
                )
            case openai.APIConnectionError():
                return remote.cut(self._endpoint) if started else unreachable(self._endpoint)
            case openai.APIError() if not isinstance(error, openai.APIResponseValidationError):
                # An error that was sent inside the stream.
                return refused_request(self._endpoint, status=500, message=_words(error))
        return unreadable(self._endpoint)


def _adapt(request: dict[str, Any], message: str) -> bool:
    """Take out the option that a server complains of; ``False`` when it is none of ours."""
    if "max_tokens" in request and "max_completion_tokens" in message:
        request["max_completion_tokens"] = request.pop("max_tokens")
        return True
    for option in ("stream_options", "reasoning_effort", "max_completion_tokens", "max_tokens"):
        if option in request and (option in message or (option == "stream_options" and "include_usage" in message)):
            del request[option]
            return True
    return False


def _words(error: Any) -> str:
    body = error.body
    if isinstance(body, dict):
        code = body.get("code") or ""
        return f"{body.get('message') or ''} {'(context_length)' if code == 'context_length_exceeded' else ''}".strip()
    return str(error.message)
