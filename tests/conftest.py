"""What every test gets: no keys, no network beyond this machine, an empty working directory."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from citewise.settings import PROVIDER_VARIABLES
from tools.chromium import NoChromiumError, find_chromium

HIDDEN_VARIABLES = (*PROVIDER_VARIABLES, "CO_API_KEY", "HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

# No deadline: two cores are shared with a browser and a model, and time says nothing there.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)


class LeftLoopbackError(BaseException):
    """A test tried to reach another machine.

    A ``BaseException``, so that an adapter which turns failures into its own errors
    cannot swallow it.
    """


def pytest_configure(config: pytest.Config) -> None:
    # Before anything imports huggingface_hub, which reads this once. Child processes inherit it.
    os.environ["HF_HUB_OFFLINE"] = "1"
    hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def stays_here(host: object) -> bool:
    """Whether a host, as given to ``socket``, is this machine's loopback."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _guard(original: Any, *, host_of: Any) -> Any:
    def guarded(*arguments: Any, **keywords: Any) -> Any:
        host = host_of(*arguments, **keywords)
        if not stays_here(host):
            raise LeftLoopbackError(f"A test tried to reach {host!r}; tests stay on the loopback.")
        return original(*arguments, **keywords)

    return guarded


def _host_of_address(own: socket.socket, *arguments: Any, **_: Any) -> object:
    if own.family not in (socket.AF_INET, socket.AF_INET6):
        return None  # between processes of this machine
    address = arguments[-1]  # the last argument of connect(address) and sendto(data[, flags], address)
    return address[0]


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guard(getattr(socket.socket, name), host_of=_host_of_address))
        resolve = _guard(socket.getaddrinfo, host_of=lambda host, *_, **__: host)
        patch.setattr(socket, "getaddrinfo", resolve)
        yield


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide keys and settings, and leave the checkout, where a developer's secrets and data may lie."""
    for variable in list(os.environ):
        if variable.upper().startswith("CITEWISE_") or variable.upper() in HIDDEN_VARIABLES:
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program; the test fails with one sentence where there is none."""
    try:
        return find_chromium()
    except NoChromiumError as error:
        pytest.fail(str(error), pytrace=False)
