"""A body that can not be read is told its true mistake."""

import gzip

import msgspec
import pytest

from polycloud.core.errors import BadRequest
from polycloud.gateway.dialects.reading import read_body

ANY = msgspec.json.Decoder(dict[str, str])


@pytest.mark.parametrize("text", [r"\ud800", r"\ud800x", r"\ud800 hi", r"\\\uDBFF\n"])
def test_half_of_a_surrogate_pair_is_named_and_not_called_truncated(text):
    with pytest.raises(BadRequest, match=r"\\u[dD].{3} \(byte \d+\) is half of a surrogate pair"):
        read_body(ANY, b'{"a":"%b"}' % text.encode())


@pytest.mark.parametrize("body", [b'{"a":"', rb'{"a":"\\ud800', rb'{"a":"\ud83d\ude00'])
def test_a_body_that_ends_early_is_still_called_truncated(body):
    with pytest.raises(BadRequest, match="truncated"):
        read_body(ANY, body)


def test_a_packed_body_is_told_as_one():
    with pytest.raises(BadRequest, match="gzip"):
        read_body(ANY, gzip.compress(b'{"a":"b"}'), {b"content-encoding": b"gzip"})
    assert read_body(ANY, b'{"a":"b"}', {b"content-encoding": b"identity"})[1] == {"a": "b"}


def test_a_whole_pair_is_read():
    assert read_body(ANY, rb'{"a":"\ud83d\ude00"}')[1] == {"a": "\U0001f600"}
