"""What Anthropic messages say in headers: the version of the format, and the betas that are used.

docs.claude.com/en/api/versioning and …/api/beta-headers (2026-11). Vertex AI and Bedrock read betas in the body, as
``anthropic_beta`` (docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-
response.html, 2026-11); Azure reads the header.
"""

import re
from collections.abc import Mapping

import msgspec

from polycloud.core.errors import BadRequest, Rejected

BETA = "anthropic_beta"
BETAS_MAX = 32  # more than there are at any time
OLDEST = b"2023-01-01"

_VERSION = re.compile(rb"\d{4}-\d{2}-\d{2}")


def read_headers(headers: Mapping[bytes, bytes], fields: dict[str, msgspec.Raw]) -> None:
    """Put the betas of the header into ``fields``, behind those that the body has. Raises BadRequest for a version that
    never was, and for more betas than there are."""
    version = headers.get(b"anthropic-version", OLDEST)
    if not _VERSION.fullmatch(version) or version < OLDEST:
        shown = version[:40].decode("latin-1")
        raise BadRequest(f"anthropic-version: {shown!r} is not a version of this format; 2023-06-01 is")
    told = headers.get(b"anthropic-beta", b"").decode("latin-1")
    betas = [name for name in map(str.strip, told.split(",")) if name]
    if not betas:
        return
    try:
        found = msgspec.json.decode(fields.get(BETA, b"[]"), type=list[str] | None) or []
    except msgspec.DecodeError as error:
        raise BadRequest(f"{BETA}: expected an array of strings", BETA) from error
    found = list(dict.fromkeys((*found, *betas)))
    if len(found) > BETAS_MAX:
        raise BadRequest(f"anthropic-beta: more than {BETAS_MAX} betas", BETA)
    fields[BETA] = msgspec.Raw(msgspec.json.encode(found))


def beta_header(body: bytes) -> dict[str, str]:
    """The betas of a body as the header that says the same; none when it has none. Raises Rejected for what is no
    list of their names."""
    if BETA.encode() not in body:
        return {}
    try:
        named = _TOLD.decode(body).anthropic_beta or []
    except msgspec.ValidationError as error:
        raise Rejected(f"{BETA}: expected an array of strings") from error
    wrong = next((name for name in named if not _BETA.fullmatch(name)), None)
    if wrong is not None:
        raise Rejected(f"{BETA}: {wrong[:40]!r} is no name of a beta")
    return {"anthropic-beta": ",".join(named)} if named else {}


class _Told(msgspec.Struct):
    anthropic_beta: list[str] | None = None


_BETA = re.compile(r"[A-Za-z0-9._\-]{1,128}")  # a name with a line break would begin a header of its own
_TOLD = msgspec.json.Decoder(_Told)
