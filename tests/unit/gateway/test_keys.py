"""Whose request it is."""

import pytest

from polycloud.core.errors import KeyRefused
from polycloud.gateway.keys import Keyring, bearer, digest
from polycloud.policy.tables import Principal


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer pk-1"},
        {b"authorization": b"bearer   pk-1 "},
        {b"x-api-key": b"pk-1"},
        {b"api-key": b"pk-1"},
        {b"x-api-key": b"pk-1", b"authorization": b"Bearer pk-1"},
        {b"x-api-key": b"pk-1", b"api-key": b"pk-1"},
    ],
)
def test_every_way_in_which_sdks_send_a_key(headers):
    assert bearer(headers) == b"pk-1"


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "no key"),
        ({b"x-api-key": b""}, "no key"),
        ({b"authorization": b"Basic cGs6"}, "Bearer"),
        ({b"authorization": b"Bearer"}, "Bearer"),
        ({b"authorization": b"Bearer  "}, "Bearer"),
        ({b"x-api-key": b"pk-1", b"authorization": b"Bearer pk-2"}, "two different keys"),
        ({b"x-api-key": b"pk-1", b"api-key": b"pk-2"}, "two different keys"),
    ],
)
def test_what_is_no_key_is_refused(headers, says):
    with pytest.raises(KeyRefused, match=says):
        bearer(headers)


def test_only_known_keys_that_have_not_expired_are_somebody(clock):
    ring = Keyring(
        [
            Principal(id="k1", digest=digest(b"pk-1"), team="t"),
            Principal(id="k2", digest=digest(b"pk-2"), team="t", expires_at=clock.wall() + 5),
        ]
    )
    assert len(ring) == 2
    assert ring.find({b"x-api-key": b"pk-1"}, clock).id == "k1"
    assert ring.find({b"x-api-key": b"pk-2"}, clock).id == "k2"
    for wrong in (b"pk-3", b"PK-1", b"pk-1 x", digest(b"pk-1")):
        with pytest.raises(KeyRefused, match="not known"):
            ring.find({b"x-api-key": wrong}, clock)
    clock.now += 5
    with pytest.raises(KeyRefused, match="k2 has expired"):
        ring.find({b"x-api-key": b"pk-2"}, clock)
