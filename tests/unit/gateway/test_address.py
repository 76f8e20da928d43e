"""Addresses and segments: what can be sent, and what is refused."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.core.errors import NotFound, Unauthorized
from polycloud.gateway.address import header_value, host_of, parts_of, segment


@pytest.mark.parametrize(
    ("base_url", "parts"),
    [
        ("https://Bedrock-Runtime.us-east-1.amazonaws.com", ("bedrock-runtime.us-east-1.amazonaws.com", "")),
        ("https://h.example:443", ("h.example", "")),
        ("http://h.example:80/v1", ("h.example", "/v1")),
        ("http://h.example:443", ("h.example:443", "")),
        ("http://10.0.0.5:8000/v1/", ("10.0.0.5:8000", "/v1")),
        ("http://[::1]:8000/a/b", ("[::1]:8000", "/a/b")),
        ("http://[::1]", ("[::1]", "")),
    ],
)
def test_parts(base_url: str, parts: tuple[str, str]) -> None:
    assert parts_of(base_url) == parts
    assert host_of(base_url) == parts[0]


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "h.example",
        "ftp://h.example",
        "https://",
        "https://user:pass@h.example",
        "https://h.example/v1?x=y",
        "https://h.example/v1#x",
        "https://h.example:99999",
        "https://h.example:port",
        "https://h.example/a b",
        "https://h.example/\r\nx: y",
        "https://h\r\n.example",
        "https://h.example/%0d%0a/../..//",
        "https://[::1",
    ],
)
def test_what_is_no_plain_address_is_refused(base_url: str) -> None:
    with pytest.raises(NotFound, match="estate"):
        parts_of(base_url)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_a_segment_stays_one_segment(name: str) -> None:
    if name in (".", ".."):
        return
    encoded = segment(name)
    assert unquote(encoded) == name
    assert encoded.isascii()
    assert not set(encoded) & set("/?#\\ \r\n\t\0")


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_climb_are_refused(name: str) -> None:
    with pytest.raises(NotFound):
        segment(name)


@pytest.mark.parametrize("secret", ["", "abc\r\nx: y", "abc\n", "abc\0", "pässword"])
def test_a_secret_that_breaks_a_header_is_refused_unseen(secret: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        header_value(secret, "aws")
    assert not secret or secret not in str(caught.value)
