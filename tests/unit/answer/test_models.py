from __future__ import annotations

import json
from pathlib import Path

import pytest

from citewise.answer.extractive import ExtractiveModel
from citewise.answer.models import ChatModels, Provider
from citewise.answer.openai import Account, OpenAIModel
from citewise.errors import NotFoundError, SettingsError
from citewise.settings import load_settings
from tests.fake_models import FakeModels
from tests.fakes import HashEmbedder

HOUSE = {"name": "house", "base_url": "http://127.0.0.1:1/v1", "models": ["a", "b"], "key_variable": "HOUSE_KEY"}


def models_at(server: FakeModels) -> ChatModels:
    account = Account("house", "house", "HOUSE_KEY", "CITEWISE_ANSWER__PROFILES")
    return ChatModels(
        [
            Provider(
                "house",
                "house",
                ("ok",),
                lambda name: OpenAIModel(name, api_key="k", base_url=server.openai_url, account=account),
            ),
            Provider("away", "Away", ("one",), lambda _: ExtractiveModel(HashEmbedder()), "Set AWAY_KEY."),
            Provider("extractive", "Quotes", ("",), lambda _: ExtractiveModel(HashEmbedder())),
        ]
    )


@pytest.mark.parametrize(
    ("name", "ok", "says"),
    [
        ("house:abstain", True, "It answered within"),
        ("house:wrong-key", False, "house refused the API key. Check HOUSE_KEY"),
        ("away:one", False, "Set AWAY_KEY."),
        ("extractive", True, "needs no connection"),
    ],
)
def test_a_model_is_asked_for_one_word(name: str, ok: bool, says: str) -> None:
    with FakeModels() as server:
        check = models_at(server).check(name)
        assert (check.name, check.ok) == (name, ok)
        assert says in check.detail
        assert len(server.requests) <= 1


def test_a_model_of_nobody_is_named() -> None:
    with FakeModels() as server, pytest.raises(NotFoundError, match="house:ok"):
        models_at(server).check("nobody:x")


def test_a_profile_takes_its_key_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_ANSWER__PROFILES", json.dumps([HOUSE]))
    assert load_settings().answer.profiles[0].key is None
    monkeypatch.setenv("HOUSE_KEY", "sesame-sesame")
    settings = load_settings()
    assert settings.secrets() == ["sesame-sesame"]
    assert "sesame" not in repr(settings)


def test_a_profile_takes_its_key_from_the_secrets_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CITEWISE_ANSWER__PROFILES", json.dumps([HOUSE]))
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('HOUSE_KEY = "from-the-file"\n[connections]\nx = 1\n')
    assert load_settings(secrets_file=secrets).secrets() == ["from-the-file"]
    monkeypatch.setenv("HOUSE_KEY", "from-the-environment")
    assert load_settings(secrets_file=secrets).secrets() == ["from-the-environment"]


@pytest.mark.parametrize(
    ("profiles", "says"),
    [
        ([HOUSE, HOUSE], "the name house is taken"),
        ([{**HOUSE, "name": "openai"}], "the name openai is taken"),
        ([{**HOUSE, "base_url": "house"}], "base_url"),
        ([{**HOUSE, "modles": ["a"]}], "modles"),
        ([{**HOUSE, "models": []}], "models"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(
    profiles: list[object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITEWISE_ANSWER__PROFILES", json.dumps(profiles))
    with pytest.raises(SettingsError, match=says):
        load_settings()
