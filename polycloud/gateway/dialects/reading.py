"""What request readers share: a caller's mistakes in plain words, and raw members that may be absent."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from polycloud.core.errors import BadRequest, BrokenStream
from polycloud.core.ports.models import NO_HEADERS, Envelope

T = TypeVar("T")

FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
ENCODER = msgspec.json.Encoder()
ABSENT = msgspec.Raw(b"")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# Half of a pair that stands alone, its backslash not itself escaped. RFC 8259, section 8.2: no decoder must take it.
_LONE_HALF = re.compile(rb"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})(?!\\u[dD][c-fC-F])")

_WORDS = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


class MarkedEnvelope(Envelope):
    """An envelope that says whether the messages hold members of ours that no provider knows."""

    marked: bool = False


def read_body(
    decoder: "msgspec.json.Decoder[T]", body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS
) -> tuple[dict[str, msgspec.Raw], T]:
    """The body's members as raw JSON, and typed. Raises BadRequest in plain words, naming the parameter."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            packed = headers.get(b"content-encoding", b"")
            if packed:
                raise BadRequest(f"a body in {packed[:20].decode('latin-1')} is not read; send it as it is") from error
            raise BadRequest(f"the body is not valid UTF-8 (byte {error.start})") from error
    try:
        return FIELDS.decode(body), decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise mistake(error, body) from error


def read_fields(decoder: "msgspec.json.Decoder[T]", fields: dict[str, msgspec.Raw]) -> T:
    """The members of an envelope, typed. Raises BadRequest."""
    try:
        return decoder.decode(ENCODER.encode(fields))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise mistake(error) from error


def mistake(error: Exception, body: bytes = b"") -> BadRequest:
    """What is wrong with a body, from the decoder's error; it says of a surrogate that is alone what is not so."""
    if isinstance(error, RecursionError):
        return BadRequest("the body is nested too deeply")
    if not isinstance(error, msgspec.ValidationError):
        alone = _LONE_HALF.search(body) if "truncated" in str(error) or "hex escape" in str(error) else None
        if alone:
            told = f"{alone[1].decode()} (byte {alone.start(1)}) is half of a surrogate pair"
            return BadRequest(f"the body is not valid JSON: {told}, and the other half does not follow")
        return BadRequest(f"the body is not valid JSON: {error}")
    said, _, path = str(error).partition(" - at `")
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    found = said.split("`")
    if said.startswith("Object missing required field"):
        name = f"{path}.{found[1]}" if path else found[1]
        return BadRequest(f"{name}: this field is required", name)
    if said.startswith("Expected `") and len(found) >= 4:
        wanted = " or ".join(_WORDS.get(word, word) for word in found[1].split(" | "))
        got = _WORDS.get(found[3], found[3])
        if not path:
            return BadRequest(f"the body must be {wanted}, not {got}")
        return BadRequest(f"{path}: expected {wanted}, got {got}", path)
    if not path:
        return BadRequest(f"the body can not be read: {said}")
    return BadRequest(f"{path}: {said[0].lower()}{said[1:]}", path)


def read_provider(decoder: "msgspec.json.Decoder[T]", data: bytes, what: str) -> T:
    """A provider's JSON, typed. Raises BrokenStream when it is not what the format says."""
    try:
        return decoder.decode(data)
    except UNREADABLE as error:
        raise unreadable(what, error) from error


def unreadable(what: str, error: Exception) -> BrokenStream:
    return BrokenStream(f"{what} can not be read: {error}", 200)


def given(raw: msgspec.Raw) -> bool:
    """Whether a member is there and not null."""
    return len(raw) > 0 and not (len(raw) == 4 and bytes(raw) == b"null")


def chosen(fields: dict[str, msgspec.Raw], names: frozenset[str] | set[str]) -> dict[str, bytes]:
    """Those of ``fields`` that are in ``names`` and not null, as bytes, in the caller's order."""
    return {name: bytes(raw) for name, raw in fields.items() if name in names and given(raw)}


def unsample(fields: dict[str, msgspec.Raw]) -> None:
    """Take out the temperature and top-p of a body that asks for no other than the usual ones."""
    for name in ("temperature", "top_p"):
        fields.pop(name, None)


def lower(fields: dict[str, msgspec.Raw], name: str, most: int, to: int) -> None:
    """Put ``to`` where ``fields`` hold a number over ``most``. For members that were read as whole numbers before."""
    raw = fields.get(name, ABSENT)
    if given(raw) and msgspec.json.decode(raw, type=int) > most:
        fields[name] = msgspec.Raw(b"%d" % to)
