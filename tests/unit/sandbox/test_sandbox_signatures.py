"""Signatures against published examples, and credentials that are whole."""

import dataclasses

import pytest
from botocore.eventstream import EventStreamBuffer

from polycloud.sandbox.credentials import draw, load_key
from polycloud.sandbox.protocols.bedrock import frame
from polycloud.sandbox.protocols.sigv4 import AccessKey, SignatureRefused, verify
from polycloud.sandbox.signatures import genuine, sign
from polycloud.sandbox.wire import Request

# The example "get-vanilla" of AWS's published Signature Version 4 test suite.
KEY = AccessKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")
AT = 1440938160.0  # 2015-08-30 12:36:00 UTC
SIGNATURE = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


@dataclasses.dataclass
class Example:
    date: str = "20150830T123600Z"
    signature: str = SIGNATURE
    signed: str = "host;x-amz-date"
    scope: str = "20150830/us-east-1/service/aws4_request"

    def request(self) -> Request:
        authorization = (
            f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{self.scope}, SignedHeaders={self.signed}, "
            f"Signature={self.signature}"
        )
        headers = {"host": "example.amazonaws.com", "x-amz-date": self.date, "authorization": authorization}
        return Request("GET", "/", headers, b"")


def test_the_published_example_is_good() -> None:
    verify(Example().request(), KEY, "us-east-1", "service", AT + 299)


@pytest.mark.parametrize(
    ("example", "at", "words"),
    [
        (Example(), AT + 301, "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z"),
        (Example(), AT - 301, "Signature not yet current"),
        (Example(signature=SIGNATURE[:-1] + "2"), AT, "does not match"),
        (Example(date="20150830T123601Z"), AT, "does not match"),
        (Example(date="yesterday"), AT, "ISO-8601"),
        (Example(signed="x-amz-date"), AT, "'Host'"),
        (Example(scope="20150830/us-east-2/service/aws4_request"), AT, "valid region"),
        (Example(scope="20150830/us-east-1/other/aws4_request"), AT, "correct service"),
        (Example(scope="20150830/us-east-1/service"), AT, "5 slash-delimited"),
        (Example(signature=""), AT, "requires 'Signature'"),
    ],
)
def test_anything_else_is_refused(example: Example, at: float, words: str) -> None:
    with pytest.raises(SignatureRefused, match=words):
        verify(example.request(), KEY, "us-east-1", "service", at)


def test_an_event_stream_frame_to_the_byte() -> None:
    made = frame({":k": "v"}, b"{}")
    assert made[:8] == bytes([0, 0, 0, 25, 0, 0, 0, 7])  # the published layout, worked by hand
    assert made[12:19] == b"\x02:k\x07\x00\x01v" and made[19:21] == b"{}" and len(made) == 25
    reader = EventStreamBuffer()
    reader.add_data(made)
    assert [(m.headers, m.payload) for m in reader] == [({":k": "v"}, b"{}")]


def test_thoughts_are_signed() -> None:
    assert genuine("thought", sign("thought")) and not genuine("other", sign("thought"))
    assert genuine("", sign("hidden")) and not genuine("", "made up")


def test_credentials_are_whole_and_new_each_time() -> None:
    one, two = draw(), draw()
    assert one.aws_secret_key != two.aws_secret_key and one.oci_fingerprint != two.oci_fingerprint
    assert load_key(one.gcp_private_key).key_size == load_key(one.oci_private_key).key_size == 2048
    table = one.table("http://127.0.0.1:1/token")
    assert {cloud: {c.kind for c in kinds.values()} for cloud, kinds in table.items()} == {
        "aws": {"aws", "bearer"},
        "azure": {"api_key", "bearer"},
        "gcp": {"bearer", "service_account"},
        "oci": {"oci", "bearer"},
        "onprem": {"bearer"},
    }
    assert all(value for kinds in table.values() for c in kinds.values() for value in c.fields.values())
