"""Whole chunks that are taken as they came: nothing is lost, doubled or out of order, however the bytes were cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.gateway.client import Connection, Origin, Ticket, chunk_start

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(payload, form=b"%x\r\n%b\r\n"):
    return form % (len(payload), payload)


class Pool:
    def __init__(self):
        self.kept = []

    def keep(self, connection):
        self.kept.append(connection)

    def forget(self, connection):
        pass


class Transport:
    def write(self, data):
        pass

    def is_closing(self):
        return False

    def abort(self):
        pass


class Call:
    """Takes whole chunks that hold ``mark``, once ``wanted`` is called for; the rest it hears in the usual way."""

    def __init__(self, mark=b"k"):
        self.mark, self.pieces, self.taken, self.ends, self.error = mark, [], 0, 0, None

    def take(self, data, start):
        assert data == chunk(data[start:-2])
        if self.mark not in data[start:-2]:
            return False
        self.taken += 1
        self.pieces.append(data[start:-2])
        return True

    def response_started(self, status, headers):
        assert status == 200

    def response_data(self, data):
        self.pieces.append(data)

    def response_ended(self):
        self.ends += 1

    def response_failed(self, error, *, stale):
        self.error = error


def connected(call):
    connection = Connection(Pool(), Origin(False, "x", 1))
    connection.connection_made(Transport())
    ticket = Ticket()
    ticket.connected(connection, call, b"ask")
    return connection, ticket


@pytest.mark.parametrize("size", [16, 17, 255, 256, 257, 4095])
def test_a_whole_chunk_is_known(size):
    whole = chunk(b"a" * size)
    assert whole[chunk_start(whole) : -2] == b"a" * size


@pytest.mark.parametrize(
    "data",
    [b"", b"\r\n", b"0\r\n\r\n", b"-2\r\n", b"100\r\n" + b"a" * 255 + b"\r\n", chunk(b"a" * 15), chunk(b"a" * 4096)]
    + [chunk(b"a" * 32) + b"0\r\n\r\n", chunk(b"a" * 32) * 2, chunk(b"a" * 32)[:-1], chunk(b"a" * 300)[1:]]
    + [chunk(b"a" * 171, form) for form in (b"%X\r\n%b\r\n", b"0%x\r\n%b\r\n", b"%x;a=b\r\n%b\r\n", b"%x \r\n%b\r\n")]
    + [chunk(b"a" * 171)[:-2] + b"xx"],
)
def test_anything_else_is_not(data):
    assert chunk_start(data) == 0


def test_no_length_is_taken_for_another():
    for size in range(3000):
        data = b"%x\r\n" % max(0, size - 6) + b"a" * size
        data = data[: size - 2] + b"\r\n"
        start = chunk_start(data)
        assert not start or chunk(data[start:-2]) == data


def test_only_between_chunks_is_a_chunk_taken():
    """Bytes inside a larger chunk may look like one; they are what the answer says."""
    call = Call()
    connection, ticket = connected(call)
    inner = chunk(b"k" * 20)
    connection.data_received(HEAD + chunk(b"first"))
    ticket.take(call.take)
    connection.data_received(inner)  # where the parser is can not be known yet
    connection.data_received(inner)
    assert call.taken == 1
    connection.data_received(b"%x\r\n" % (3 * len(inner)))
    for _ in range(3):
        connection.data_received(inner)
    connection.data_received(b"\r\n")
    assert call.taken == 1
    connection.data_received(b"0\r\n\r\n")
    assert b"".join(call.pieces) == b"first" + b"k" * 40 + inner * 3 and call.ends == 1


def test_another_call_on_the_connection_is_not_asked():
    first, second = Call(), Call()
    connection, ticket = connected(first)
    connection.data_received(HEAD)
    ticket.take(first.take)
    for data in (chunk(b"k" * 20), chunk(b"k" * 20), b"0\r\n\r\n"):
        connection.data_received(data)
    assert first.taken == 1 and first.ends == 1
    Ticket().connected(connection, second, b"ask")
    ticket.take(first.take)  # its answer is over
    connection.data_received(HEAD)
    for data in (chunk(b"k" * 20), chunk(b"k" * 20), b"0\r\n\r\n"):
        connection.data_received(data)
    assert first.taken == 1 and second.taken == 0 and b"".join(second.pieces) == b"k" * 40


payloads = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.integers(14, 300).map(lambda n: b"k" * n),
    st.integers(16, 40).map(lambda n: chunk(b"k" * n)),
)
forms = st.sampled_from([b"%x\r\n%b\r\n"] * 6 + [b"%X\r\n%b\r\n", b"0%x\r\n%b\r\n", b"%x;k\r\n%b\r\n"])


@given(st.lists(st.tuples(payloads, forms), max_size=12), st.data())
def test_however_the_bytes_are_cut_the_answer_is_the_same(chunks, data):
    """Mostly cut where chunks end, as servers write them, and sometimes anywhere."""
    wire = b"".join(chunk(payload, form) for payload, form in chunks) + b"0\r\n\r\n"
    ends, at = [], 0
    for payload, form in chunks:
        at += len(chunk(payload, form))
        ends.append(at)
    cuts = set(data.draw(st.lists(st.sampled_from(ends)) if ends else st.just([])))
    cuts |= set(ends) if data.draw(st.booleans()) else set()
    cuts |= set(data.draw(st.lists(st.integers(1, len(wire)), max_size=3)))
    call = Call()
    connection, ticket = connected(call)
    connection.data_received(HEAD)
    ticket.take(call.take)
    bounds = [0, *sorted(cuts - {len(wire)}), len(wire)]
    for begin, end in itertools.pairwise(bounds):
        connection.data_received(wire[begin:end])
    assert b"".join(call.pieces) == b"".join(payload for payload, _ in chunks)
    assert call.ends == 1 and call.error is None
