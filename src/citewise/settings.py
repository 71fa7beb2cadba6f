"""Every tunable with its unit, bounds and only default.

The one reader of the environment: ``CITEWISE_SPLIT__SIZE=180`` sets ``split.size``.
Provider keys and base URLs keep the names of their own SDKs and are read here too, so
that nothing else looks at the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from citewise.errors import SettingsError
from citewise.types import SplitStrategy, Variants

BUILT_IN = ("extractive", "openai", "anthropic", "cohere", "local", "cross-encoder")
"""What may stand before the colon of a model's name without a profile."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServeSettings(_Section):
    """Where the app listens."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8501, description="TCP port.")


class IngestSettings(_Section):
    """What is taken in, and at what cost."""

    max_file_mb: Annotated[int, Field(ge=1, le=4096)] = Field(200, description="Largest file, in MB (10^6 bytes).")
    keep_free_mb: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        500, description="Free space that is left on the disk, in MB (10^6 bytes); with less nothing is taken in."
    )
    parse_seconds: Annotated[int, Field(ge=1, le=600)] = Field(
        90, description="Wall time for reading one file, in seconds."
    )
    parse_memory_mb: Annotated[int, Field(ge=256, le=16384)] = Field(
        1536, description="Address space for reading one file, in MiB."
    )
    ocr_languages: Annotated[str, Field(pattern=r"^[A-Za-z]\w*(\+[A-Za-z]\w*)*$")] = Field(
        "eng", description="Languages that Tesseract looks for in scanned pages and pictures, joined by `+`: `eng+deu`."
    )
    ocr_seconds: Annotated[int, Field(ge=0, le=7200)] = Field(
        300, description="Wall time for recognising the pages of one file, in seconds; 0 recognises none."
    )


class SplitSettings(_Section):
    """How documents are cut into chunks."""

    strategy: SplitStrategy = Field(
        "recursive",
        description=(
            "What chunks are: as many words as fit (`fixed`) or whole sentences (`sentence`), each paragraph "
            "(`paragraph`), the section under a heading, cut between its paragraphs (`recursive`), the largest part "
            "of the outline that fits (`heading`), sentences that are alike by their vectors (`semantic`)."
        ),
    )
    size: Annotated[int, Field(ge=32, le=8192)] = Field(
        200, description="Tokens of a chunk, its context included, by the embedding model's tokenizer."
    )
    overlap: Annotated[int, Field(ge=0, le=512)] = Field(24, description="Tokens that neighbouring chunks share.")


class EmbedSettings(_Section):
    """Which model turns text into vectors."""

    model: str = Field(
        "local:all-MiniLM-L6-v2",
        description=(
            "PROVIDER:NAME; `local:` takes the bundled model, a folder, or a name from the hub's cache; `openai:` a "
            "model of OpenAI or of the server at OPENAI_BASE_URL; `cohere:` one of Cohere."
        ),
    )
    dimensions: Annotated[int | None, Field(ge=1, le=65536)] = Field(
        None, description="Numbers in a vector of a remote model; unset: as many as it gives, where that is known."
    )
    batch: Annotated[int, Field(ge=1, le=1024)] = Field(
        32, description="Texts in one batch, here or on the server at OPENAI_BASE_URL."
    )
    requests_per_minute: Annotated[int | None, Field(ge=1)] = Field(
        None, description="Calls a minute for vectors of documents from a remote model; unset: no limit."
    )
    tokens_per_minute: Annotated[int | None, Field(ge=1000)] = Field(
        None, description="Tokens a minute for vectors of documents from a remote model; unset: no limit."
    )


class IndexSettings(_Section):
    """When the indexes are built anew."""

    full_rebuild_above: Annotated[float, Field(ge=0, le=1)] = Field(
        0.2, description="Share of chunks by another model or cut above which a full rebuild is called for."
    )


class SearchSettings(_Section):
    """How chunks are found."""

    k: Annotated[int, Field(ge=1, le=50)] = Field(8, description="Chunks that an answer is written from.")
    fetch_k: Annotated[int, Field(ge=1, le=1000)] = Field(50, description="Candidates from each kind of search.")
    fusion: Literal["scores", "ranks"] = Field(
        "scores", description="How both kinds of search are merged: by their scores, or by ranks alone."
    )
    reranker: str = Field(
        "linear",
        description=(
            "Who orders the chunks found once more: `linear` (built in), `cross-encoder:NAME` (a folder, or a name "
            "from the hub's cache), `cohere:rerank-v3.5` or `none`."
        ),
    )
    per_document: Annotated[int, Field(ge=1, le=50)] = Field(
        4, description="Passages of one document, at most, while others have something close and none is asked for."
    )
    variants: Variants = Field(
        "none",
        description=(
            "What a chat model adds to every search: `none`, other wordings (`multi-query`), or a passage that could "
            "answer (`hyde`)."
        ),
    )
    rerank_ms: Annotated[int, Field(ge=50, le=60_000)] = Field(
        2_000, description="Time for a cross-encoder or Cohere to order what was found, in milliseconds."
    )


class ModelProfile(_Section):
    """A server that speaks OpenAI's Chat Completions, known by a name of its own: `NAME:MODEL`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] = Field(
        description="Stands before the colon of its models' names."
    )
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] = Field(description="Its address, often ending in /v1.")
    models: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Model names offered in the picker; others can be asked by name."
    )
    key_variable: Annotated[str | None, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        None, description="The variable that holds its key; unset: it needs none."
    )
    context_tokens: Annotated[int | None, Field(ge=1024)] = Field(
        None, description="Tokens of prompt and answer that its models take, where that is less than the setting."
    )
    length: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="What it calls the longest answer; it is asked by the other name if it refuses."
    )
    temperature: Annotated[float | None, Field(ge=0, le=2)] = Field(None, description="Unset: none is sent.")
    usage: bool = Field(True, description="Ask for the number of tokens; asked without where it refuses.")
    key: SecretStr | None = Field(None, exclude=True)  # read from the variable by ``load_settings``


class AnswerSettings(_Section):
    """Who writes answers, and for how long."""

    model: str | None = Field(
        None, description="PROVIDER:NAME; unset: the first configured provider, else `extractive`."
    )
    judge: str = Field(
        "",
        description=(
            "PROVIDER:NAME of a chat model that judges sentences that the rules of the check leave open; empty: none."
        ),
    )
    openai_models: tuple[str, ...] = Field(("gpt-5-mini",), description="OpenAI model names offered in the picker.")
    anthropic_models: tuple[str, ...] = Field(
        ("claude-sonnet-4-5",), description="Anthropic model names offered in the picker."
    )
    profiles: tuple[ModelProfile, ...] = Field((), description="Further servers, see below.")
    context_tokens: Annotated[int, Field(ge=1024)] = Field(
        16_000, description="Tokens of prompt and answer together; raise it for large-context models."
    )
    output_tokens: Annotated[int, Field(ge=64)] = Field(1_024, description="Longest answer, in tokens.")
    connect_s: Annotated[float, Field(gt=0, le=60)] = Field(5, description="Time to reach the provider, in seconds.")
    first_token_s: Annotated[float, Field(gt=0, le=300)] = Field(20, description="Time to the first token, in seconds.")
    between_tokens_s: Annotated[float, Field(gt=0, le=300)] = Field(15, description="Longest pause, in seconds.")
    total_s: Annotated[float, Field(gt=0, le=3600)] = Field(120, description="Time for a whole answer, in seconds.")

    @field_validator("profiles")
    @classmethod
    def _names_differ(cls, profiles: tuple[ModelProfile, ...]) -> tuple[ModelProfile, ...]:
        names = [*BUILT_IN, *(profile.name for profile in profiles)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the name {twice[0]} is taken; choose another one for the profile")
        return profiles


class Settings(BaseSettings):
    """All settings; reading them touches the environment, importing this module does not."""

    model_config = SettingsConfigDict(env_prefix="CITEWISE_", env_nested_delimiter="__", frozen=True, extra="ignore")

    home: Path = Field(Path(".citewise"), description="The data directory.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    serve: ServeSettings = ServeSettings()
    ingest: IngestSettings = IngestSettings()
    split: SplitSettings = SplitSettings()
    embed: EmbedSettings = EmbedSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()

    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY", description="Key for OpenAI.")
    openai_base_url: str | None = Field(
        None, validation_alias="OPENAI_BASE_URL", description="Address of an OpenAI-compatible server."
    )
    anthropic_api_key: SecretStr | None = Field(
        None, validation_alias="ANTHROPIC_API_KEY", description="Key for Anthropic."
    )
    anthropic_base_url: str | None = Field(
        None, validation_alias="ANTHROPIC_BASE_URL", description="Address of an Anthropic-compatible server."
    )
    co_api_key: SecretStr | None = Field(None, validation_alias="CO_API_KEY", description="Key for Cohere.")
    co_api_url: str | None = Field(
        None, validation_alias="CO_API_URL", description="Address of a server that speaks Cohere's API."
    )

    def secrets(self) -> list[str]:
        """The configured keys, for logs to hide."""
        keys = [self.openai_api_key, self.anthropic_api_key, self.co_api_key]
        keys += [profile.key for profile in self.answer.profiles]
        return [key.get_secret_value() for key in keys if key]


PROVIDER_VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "CO_API_KEY",
    "CO_API_URL",
)


def load_settings(*, secrets_file: Path = Path(".streamlit/secrets.toml"), **overrides: Any) -> Settings:
    """Read the settings of this process.

    Args:
        secrets_file: Keys for providers, used where the environment has none; need not exist.
        overrides: Values that win over the environment, by field name.

    Raises:
        SettingsError: A value is out of bounds, or a ``CITEWISE_…`` variable is unknown.
    """
    _refuse_unknown_variables(os.environ)
    stored = _stored_secrets(secrets_file)
    values: dict[str, Any] = {
        **{name: stored[name] for name in PROVIDER_VARIABLES if stored.get(name) and not os.environ.get(name)},
        **overrides,
    }
    try:
        return _with_keys(Settings(**values), {**stored, **os.environ})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise SettingsError(f"A setting cannot be used: {problems}. See the table in docs/settings.md.") from error


def _stored_secrets(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The file {path} cannot be read: {error}. Correct it or remove it.") from error
    return {name: str(value) for name, value in table.items() if value}


def _with_keys(settings: Settings, variables: Mapping[str, str]) -> Settings:
    profiles = tuple(
        profile.model_copy(update={"key": SecretStr(variables[profile.key_variable])})
        if profile.key_variable and variables.get(profile.key_variable)
        else profile
        for profile in settings.answer.profiles
    )
    return settings.model_copy(update={"answer": settings.answer.model_copy(update={"profiles": profiles})})


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    # pydantic-settings ignores unknown variables, so a misspelt one would do nothing, silently.
    for variable in environ:
        if not variable.upper().startswith("CITEWISE_"):
            continue
        name, _, rest = variable.upper().removeprefix("CITEWISE_").lower().partition("__")
        field = Settings.model_fields.get(name)
        annotation = field.annotation if field else None
        if rest:
            known = (
                isinstance(annotation, type) and issubclass(annotation, _Section) and rest in annotation.model_fields
            )
        else:
            known = field is not None
        if not known:
            raise SettingsError(f"There is no setting {variable}. The table in docs/settings.md lists them all.")
