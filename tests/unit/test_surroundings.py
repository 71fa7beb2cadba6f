"""The surroundings that every other test gets: this machine only, no keys, an empty directory."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LeftLoopbackError, stays_here

# 192.0.2.0/24 and 2001:db8::/32 are reserved for documentation: nobody answers there.
FAR_AWAY = "192.0.2.1"


@pytest.mark.parametrize(
    "host",
    [None, "", "localhost", b"localhost", "127.0.0.1", "127.8.9.1", "::1", "::", "::ffff:127.0.0.1"],
)
def test_the_loopback_is_here(host: object) -> None:
    assert stays_here(host)


@pytest.mark.parametrize("host", ["example.org", b"example.org", FAR_AWAY, "2001:db8::1", "10.0.0.1", "fe80::1%eth0"])
def test_everything_else_is_not(host: object) -> None:
    assert not stays_here(host)


def test_a_connection_to_another_machine_fails_past_every_handler() -> None:
    def adapter() -> None:
        try:
            socket.create_connection((FAR_AWAY, 443), timeout=0.01)
        except Exception as error:
            raise AssertionError("the adapter swallowed it") from error

    with pytest.raises(LeftLoopbackError, match=re.escape(FAR_AWAY)):
        adapter()


def test_a_name_is_not_looked_up_and_a_datagram_is_not_sent() -> None:
    with pytest.raises(LeftLoopbackError, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        for arguments in ((b"x", (FAR_AWAY, 53)), (b"x", 0, (FAR_AWAY, 53))):
            with pytest.raises(LeftLoopbackError):
                own.sendto(*arguments)
        with pytest.raises(LeftLoopbackError):
            own.connect_ex((FAR_AWAY, 53))


def test_loopback_and_local_sockets_still_work(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2], timeout=5) as client,
        server.accept()[0] as accepted,
    ):
        client.sendall(b"x")
        assert accepted.recv(1) == b"x"
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


OUTSIDE = ("OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "CITEWISE_SERVE__PORT", "https_proxy")


@pytest.fixture(scope="module")
def _outside() -> Iterator[None]:
    # Of a wider scope than the hiding fixture, so that it comes first, as a person's shell does.
    with pytest.MonkeyPatch.context() as patch:
        for variable in OUTSIDE:
            patch.setenv(variable, "from outside")
        yield


@pytest.mark.usefixtures("_outside")
def test_keys_settings_and_proxies_of_the_outside_are_hidden() -> None:
    assert [variable for variable in OUTSIDE if variable in os.environ] == []


def test_tests_run_in_an_empty_directory_of_their_own(tmp_path: Path) -> None:
    assert Path.cwd() == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_hub_is_offline() -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"
