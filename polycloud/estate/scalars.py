"""The smallest words of the estate language: quantities with their unit, money, names, references.

Every reader takes what stands in the file and answers with a value, or with a finding that says
what was expected and what to write instead. A finding never repeats a value that may be a secret.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from polycloud.core.money import Money
from polycloud.core.units import NUMBER, UNITS, Dimension, Quantity, parse

_EXAMPLES: dict[Dimension, str] = {
    "bytes": "40 TB",
    "seconds": "15m",
    "bits_per_second": "10 Gbps",
    "ratio": "99.95 %",
    "count_per_minute": "600/m",
    "kilometres": "50 km",
}
# Up to twelve digits, so that every sum fits; a comma only where it can not be meant for a decimal point.
_AMOUNT = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3}){1,3}|[0-9](?:_?[0-9]){0,11})(?:\.[0-9]{1,6})?"
_MONEY = re.compile(rf"({_AMOUNT})\s?([A-Z]{{3}})")


def finding(code: str, message: str, fix: str = "") -> PydanticCustomError:
    """An error that keeps its fix apart from its message; braces in either stay as they are."""
    return PydanticCustomError(code, "{message}", {"message": message, "fix": fix})


def unit_words(dimension: Dimension) -> str:
    return ", ".join(word for word, (found, _) in UNITS.items() if found == dimension)


def _reader(dimension: Dimension) -> Callable[[object], Quantity]:
    example = _EXAMPLES[dimension]

    def read(value: object) -> Quantity:
        if isinstance(value, Quantity) and value.dimension == dimension:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise finding(
                "unit_missing",
                f"{value} has no unit",
                f"write the unit, as in {example} (units: {unit_words(dimension)})",
            )
        if not isinstance(value, str):
            raise finding("unit_missing", "expected a number with its unit", f"write it as in {example}")
        try:
            return parse(value, dimension)
        except ValueError as error:
            raise finding("unit_unknown", str(error), f"write it as in {example}") from None

    return read


def _text(dimension: Dimension, described: str) -> WithJsonSchema:
    words = "|".join(re.escape(word) for word, (found, _) in UNITS.items() if found == dimension)
    pattern = rf"^\s*{NUMBER}\s*({words})\s*$"
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "description": described, "examples": [_EXAMPLES[dimension]]}
    )


_AS_TEXT = PlainSerializer(str, return_type=str)
Duration = Annotated[
    Quantity, PlainValidator(_reader("seconds")), _text("seconds", "A time, such as 15m or 90 d."), _AS_TEXT
]


def _above_nothing(value: Quantity) -> Quantity:
    if value.value <= 0:
        raise finding("out_of_range", f"within {value} nothing can answer", "write a time above 0")
    return value


Deadline = Annotated[Duration, AfterValidator(_above_nothing)]
Size = Annotated[
    Quantity, PlainValidator(_reader("bytes")), _text("bytes", "An amount of data, such as 40 TB."), _AS_TEXT
]
Bandwidth = Annotated[
    Quantity,
    PlainValidator(_reader("bits_per_second")),
    _text("bits_per_second", "A bandwidth, such as 10 Gbps."),
    _AS_TEXT,
]
Ratio = Annotated[Quantity, PlainValidator(_reader("ratio")), _text("ratio", "A share, such as 40 %."), _AS_TEXT]
Rate = Annotated[
    Quantity,
    PlainValidator(_reader("count_per_minute")),
    _text("count_per_minute", "A count per time: 600/m or 10/s."),
    _AS_TEXT,
]


def read_money(value: object) -> Money:
    """``0.02 USD`` as exact micro-units; at most six decimals, so that nothing is rounded."""
    if isinstance(value, Money):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise finding("currency_missing", f"{value} has no currency", f"write it as in {value} USD")
    match = _MONEY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise finding(
            "money_malformed",
            f"{value!r} is not an amount of money" if isinstance(value, str) else "expected an amount of money",
            "write a number below 10^12 with at most six decimals after a point and the currency, as in 0.02 USD",
        )
    number = Decimal(match[1].replace("_", "").replace(",", ""))
    return Money(int(number * 1_000_000), match[2])


def _money_text(amount: Money) -> str:
    return f"{Decimal(amount.micro) / 1_000_000} {amount.currency}"


Amount = Annotated[
    Money,
    PlainValidator(read_money),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^{_AMOUNT}\s?[A-Z]{{3}}$",
            "description": "An amount of money with its currency, such as 0.02 USD.",
            "examples": ["0.02 USD", "5_000 USD"],
        }
    ),
    PlainSerializer(_money_text, return_type=str),
]


def _matching(pattern: str, code: str, what: str, fix: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def test(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise finding(code, f"{value!r} is not {what}", fix)
        return value

    return AfterValidator(test)


def _pattern(pattern: str) -> Callable[[dict[str, object]], None]:
    """Shows a pattern to editors; the test with its own message is done by ``_matching``."""

    def extend(schema: dict[str, object]) -> None:
        schema["pattern"] = f"^(?:{pattern})$"

    return extend


@dataclass(frozen=True, slots=True)
class Refers:
    """Marks a text as the name of something that the estate declares elsewhere; `check` follows it."""

    to: str


_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_MODEL = r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}"  # names stand in paths, where .. leads elsewhere
_LOWER = r"[a-z0-9][a-z0-9-]{0,62}"
_SITE = r"(?:aws|azure|gcp|oci|onprem)/[a-z0-9][a-z0-9-]*"
_SITE_PATTERN = r"\*|(?:aws|azure|gcp|oci|onprem|\*)/[a-z0-9*?][a-z0-9*?-]*"
_REFERENCE = r"secret:[A-Za-z0-9][A-Za-z0-9._-]*"

Name = Annotated[
    str,
    _matching(_NAME, "name_malformed", "a name", "use letters, digits, dots, dashes and underscores"),
    Field(json_schema_extra=_pattern(_NAME)),
]
ModelName = Annotated[
    str,
    _matching(_MODEL, "name_malformed", "a model name", "use letters, digits and . _ : / @ -"),
    Field(json_schema_extra=_pattern(_MODEL)),
]
SiteName = Annotated[
    str,
    _matching(_LOWER, "name_malformed", "the name of a site", "use small letters, digits and dashes"),
    Field(json_schema_extra=_pattern(_LOWER)),
]
SiteId = Annotated[
    str,
    Refers("site"),
    _matching(_SITE, "site_malformed", "a site", "write cloud/region, as in aws/us-east-1 or onprem/frankfurt"),
    Field(json_schema_extra=_pattern(_SITE), description="A site: cloud/region, such as aws/us-east-1."),
]
SitePattern = Annotated[
    str,
    Refers("site pattern"),
    _matching(_SITE_PATTERN, "site_malformed", "a site or a pattern of sites", "write aws/us-east-1, azure/* or *"),
    Field(json_schema_extra=_pattern(_SITE_PATTERN), description="A site or a pattern of sites, such as azure/*."),
]
Country = Annotated[
    str,
    _matching(r"[A-Z]{2}", "country_malformed", "a country", "write its ISO 3166-1 code in two capitals, as in DE"),
    Field(json_schema_extra=_pattern(r"[A-Z]{2}"), description="An ISO 3166-1 alpha-2 code, such as DE or NO."),
]
CallerRegion = Annotated[
    str,
    _matching(rf"{_SITE}|[A-Z]{{2}}", "site_malformed", "a site or a country", "write aws/us-east-1 or DE"),
    Field(json_schema_extra=_pattern(rf"{_SITE}|[A-Z]{{2}}")),
]
Day = Annotated[
    str,
    _matching(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", "day_malformed", "a day", "write it as 2026-11-21"),
    Field(json_schema_extra=_pattern(r"\d{4}-\d{2}-\d{2}")),
]
# A host with its port, and what quotes in other tools' files do not end; {region} may stand in it.
_PORT = r"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_URL = rf"https?://(?:[A-Za-z0-9._{{}}-]+|\[[0-9A-Fa-f:.]+\])(?::{_PORT})?(?:[/?#][^\s\"'`<>\\^|\x00-\x1f\x7f]*)?"
Url = Annotated[
    str,
    _matching(_URL, "url_malformed", "an address", "write it as https://host:port/path, marks as % and their number"),
    Field(json_schema_extra=_pattern(r"https?://\S+")),
]


_CLAIM = r"[A-Za-z0-9_.:/-]{1,100}"  # it stands in quotes in the clouds' own expressions
ClaimName = Annotated[
    str,
    _matching(_CLAIM, "name_malformed", "the name of a claim", "use letters, digits and _ . : / -"),
    Field(json_schema_extra=_pattern(_CLAIM)),
]


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1123
_HOST = rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+{_LABEL}"
HostName = Annotated[
    str,
    _matching(_HOST, "name_malformed", "the name of a host", "write it as ai.example.com"),
    Field(json_schema_extra=_pattern(rf"(?:{_LABEL}\.)+{_LABEL}")),
]
_PATH = r"/[A-Za-z0-9._~/?=&%-]*"
UrlPath = Annotated[
    str,
    _matching(_PATH, "form_wrong", "the path of an address", "begin with /, as in /healthz"),
    Field(json_schema_extra=_pattern(_PATH)),
]


def _secret_reference(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(_REFERENCE, value):
        return value
    raise finding(
        "secret_literal",
        "secrets stand here only by reference",
        "write secret:NAME, and say under secrets: where NAME comes from",
    )


SecretRef = Annotated[
    str,
    Refers("secret"),
    BeforeValidator(_secret_reference),
    Field(json_schema_extra=_pattern(_REFERENCE), description="A reference into secrets:, written secret:NAME."),
]


def _credentials(value: object) -> object:
    return value if value in ("environment", "none") else _secret_reference(value)


Credentials = Annotated[
    str,
    Refers("secret"),
    BeforeValidator(_credentials),
    Field(json_schema_extra=_pattern(rf"environment|none|{_REFERENCE}")),
]


def _identifier(value: object) -> object:
    """Account numbers are text that looks like a number; both spellings mean the same digits."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Identifier = Annotated[
    str,
    BeforeValidator(_identifier),
    _matching(r"[^\x00-\x1f\x7f]+", "name_malformed", "an identifier", "write it in one line"),
    WithJsonSchema({"type": ["string", "integer"], "description": "An identifier."}),
]
# These become parts of addresses, where a slash or a line's end would lead elsewhere.
ProjectId = Annotated[
    str,
    BeforeValidator(_identifier),
    _matching(r"[A-Za-z0-9][A-Za-z0-9.:_-]*", "name_malformed", "a project id", "use letters, digits and . : _ -"),
    WithJsonSchema({"type": ["string", "integer"], "description": "A project id."}),
]
ResourceName = Annotated[
    str,
    _matching(r"[A-Za-z0-9{}_-]+", "name_malformed", "the name of a resource", "use letters, digits, dashes, {region}"),
    Field(json_schema_extra=_pattern(r"[A-Za-z0-9{}_-]+")),
]
ApiVersion = Annotated[
    str,
    _matching(r"[A-Za-z0-9.-]+", "name_malformed", "an api-version", "write it as in 2024-10-21"),
    Field(json_schema_extra=_pattern(r"[A-Za-z0-9.-]+")),
]


def _several(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _one_or_several(schema: dict[str, object]) -> None:
    several = {key: schema.pop(key) for key in ("type", "items") if key in schema}
    schema["anyOf"] = [several.get("items", {"type": "string"}), several]


Texts = Annotated[tuple[str, ...], BeforeValidator(_several), Field(json_schema_extra=_one_or_several)]
FormerNames = Annotated[tuple[Name, ...], BeforeValidator(_several), Field(json_schema_extra=_one_or_several)]
SitePatterns = Annotated[tuple[SitePattern, ...], BeforeValidator(_several), Field(json_schema_extra=_one_or_several)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]

# Names of things that the estate declares; the word is the section's singular, as messages say it.
ClassRef = Annotated[Name, Refers("data class")]
ModelRef = Annotated[ModelName, Refers("model")]
TeamRef = Annotated[Name, Refers("team")]
DatasetRef = Annotated[Name, Refers("dataset")]
StoreRef = Annotated[Name, Refers("store")]
WorkloadRef = Annotated[Name, Refers("workload")]
LinkRef = Annotated[Name, Refers("link")]
RoleRef = Annotated[Name, Refers("role")]
EncryptionKeyRef = Annotated[Name, Refers("encryption key")]
CommitmentRef = Annotated[Name, Refers("commitment")]
PoolRef = Annotated[Name, Refers("pool")]
RotationRef = Annotated[Name, Refers("rotation")]
