"""Options before variables before defaults; sockets always where the kernel can take them."""

import os
import stat

import pytest

from polycloud.app import settings
from polycloud.app.settings import BadSettings, find_estate, is_loopback, read, socket_directory, with_sockets


@pytest.fixture
def estate(tmp_path):
    path = tmp_path / "estate.yaml"
    path.write_text("estate: x\n")
    return path


def test_defaults(estate, tmp_path):
    found = read({}, tmp_path, {})
    assert (found.estate, found.host, found.port, found.environment) == (estate, "127.0.0.1", 8080, None)
    assert found.state == tmp_path / ".polycloud"
    assert stat.S_IMODE(found.state.stat().st_mode) == 0o700
    assert found.database.parent == found.journal.parent == found.state


def test_options_stand_above_variables(estate, tmp_path):
    environ = {"POLYCLOUD_PORT": "9000", "POLYCLOUD_HOST": "0.0.0.0", "POLYCLOUD_ENV": "live", "POLYCLOUD_WORKERS": "3"}
    found = read(environ, tmp_path, {"port": 9001, "host": None})
    assert (found.port, found.host, found.environment, found.workers) == (9001, "0.0.0.0", "live", 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"port": "70000"}, "port '70000'"),
        ({"port": "-1"}, "port"),
        ({"workers": "0"}, "workers '0'"),
        ({"log": "loud"}, "'loud'"),
        ({"estate": "nope.yaml"}, "does not exist"),
    ],
)
def test_what_can_not_be_used_is_named(estate, tmp_path, options, said):
    with pytest.raises(BadSettings, match=said):
        read({}, tmp_path, options)


def test_the_estate_is_found_here_or_above(estate, tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_estate(deep) == estate
    estate.unlink()
    with pytest.raises(BadSettings, match="polycloud init"):
        find_estate(deep)


def test_a_long_path_gets_a_short_directory_that_is_kept(tmp_path):
    state = tmp_path / ("x" * 120)
    state.mkdir()
    short = socket_directory(state, {})
    assert len(os.fsencode(short / "control-http.sock")) <= settings.SOCKET_PATH_MAX
    assert stat.S_IMODE(short.stat().st_mode) == 0o700
    assert socket_directory(state, {}) == short
    short.chmod(0o755)  # open to others: not trusted any more
    other = socket_directory(state, {})
    assert other != short
    short.rmdir()
    other.rmdir()


def test_given_sockets_are_measured(estate, tmp_path):
    found = read({}, tmp_path, {})
    assert with_sockets(found, None, tmp_path / "x").http == tmp_path / "x"
    with pytest.raises(BadSettings, match="103 bytes"):
        with_sockets(found, tmp_path / ("y" * 120), None)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com", ""])
def test_not_loopback(host):
    assert not is_loopback(host)
