"""What is asked before an answer: needs as values, read from a file, from ``key=value``, or from a person."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from polycloud.catalog.lookup import CLOUDS
from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.core.units import Dimension, parse
from polycloud.estate.paths import suggestion
from polycloud.estate.scalars import read_money
from polycloud.estate.source import MAX_FILE_BYTES, Node, Scalar, Sequence, read

ESTATES = {"microsoft": "azure", "oracle": "oci", "google": "gcp", "amazon": "aws"}
UNKNOWN = ("", "?", "unknown", "-")
BYTES_TB = 10**12
_PLACE = re.compile(r"[A-Z]{2}|[a-z]{2}(-[a-z]+)?|[a-z]+/[a-z0-9-]+")


class Needs(msgspec.Struct, frozen=True):
    """What is known of the needs; None is unknown, and what is assumed instead is told with the answer.

    Money is micro-USD a month, data bytes (a month where it says so), ``availability`` a share.
    """

    monthly_spend: int | None = None
    engineers: int | None = None
    knows: tuple[str, ...] | None = None
    existing: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    countries: tuple[str, ...] | None = None
    sovereign: bool | None = None
    users: tuple[str, ...] | None = None
    latency_ms: int | None = None
    availability: float | None = None
    survive_cloud: bool | None = None
    exit_plan: bool | None = None
    predictable: bool | None = None
    fine_tuning: bool | None = None
    model_share: float | None = None
    steady_share: float | None = None
    data: int | None = None
    moved_per_month: int | None = None
    own_hall: bool | None = None
    engineer_cost: int | None = None
    extra_cloud_cost: int | None = None


class Question(msgspec.Struct, frozen=True):
    """One thing to ask: in the words of a person, with an example that shows its form."""

    key: str
    text: str
    example: str
    read: Callable[[object], object]


def _money(value: object) -> int:
    try:
        found = read_money(value)
    except ValueError as error:
        raise ValueError(str(error)) from None
    if found.currency != "USD":
        raise ValueError("costs are compared in USD: convert it")
    return found.micro


def _count(value: object) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or int(str(value)) > 10**6:
        raise ValueError(f"{str(value)[:40]!r} is not a whole number")
    return int(str(value))


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
    if str(value).lower() not in words:
        raise ValueError(f"{str(value)[:40]!r} is neither yes nor no")
    return words[str(value).lower()]


def _quantity(dimension: Dimension) -> Callable[[object], Decimal]:
    return lambda value: parse(str(value), dimension).value


def _share(value: object) -> float:
    found = float(_quantity("ratio")(value))
    if not 0 <= found <= 1:
        raise ValueError(f"{str(value)[:40]!r} is not between 0 and 100 %")
    return found


def _bytes(value: object) -> int:
    return int(_quantity("bytes")(value))


def _ms(value: object) -> int:
    return int(_quantity("seconds")(value) * 1000)


def _list(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    if str(value).strip().lower() in ("none", "no"):
        return ()
    return tuple(part.strip() for part in str(value).split(",") if part.strip())


def _words(known: tuple[str, ...]) -> Callable[[object], tuple[str, ...]]:
    def read_words(value: object) -> tuple[str, ...]:
        found = tuple(word.lower() for word in _list(value))
        for word in found:
            if word not in known:
                raise ValueError(f"{word[:40]!r} is not one of them; {suggestion(word, known)}")
        return found

    return read_words


def _places(value: object) -> tuple[str, ...]:
    """Countries in two capitals, jurisdictions and sites in small letters."""
    found = tuple(
        word.upper() if len(word) == 2 and word.lower() not in ("eu", "uk") else word.lower() for word in _list(value)
    )
    for word in found:
        if not _PLACE.fullmatch(word):
            raise ValueError(f"{word[:40]!r} is no country (two letters), jurisdiction (eu, us-ca) or site")
    return found


QUESTIONS = (
    Question("monthly_spend", "What do you spend on clouds in a month?", "80_000 USD", _money),
    Question("engineers", "How many people run your platform?", "6", _count),
    Question("knows", "Which clouds do they know well? (aws, azure, gcp, oci)", "aws, azure", _words(CLOUDS)),
    Question("existing", "Large estates you have (microsoft, oracle, google)?", "microsoft", _words(tuple(ESTATES))),
    Question("models", "Which models must you have?", "gpt-4o, claude-sonnet-4-6", _list),
    Question("countries", "Where must data stay? (countries or jurisdictions; none)", "eu", _places),
    Question("sovereign", "Must the operator be out of reach of foreign law?", "no", _flag),
    Question("users", "Where are your users? (countries)", "DE, US", _places),
    Question("latency_ms", "The longest round trip for them?", "60ms", _ms),
    Question("availability", "Which availability is promised?", "99.9 %", _share),
    Question("survive_cloud", "Must you survive the loss of a whole cloud provider?", "no", _flag),
    Question("exit_plan", "Does a regulator ask for a tested exit plan?", "no", _flag),
    Question("predictable", "Does a predictable bill matter more than a low one?", "no", _flag),
    Question("fine_tuning", "Do you train or fine-tune models of your own?", "no", _flag),
    Question("model_share", "Which share of the spend is calls of model APIs?", "40 %", _share),
    Question("steady_share", "Which share of it runs the same day and night?", "50 %", _share),
    Question("data", "How much data do you keep?", "40 TB", _bytes),
    Question("moved_per_month", "How much of it changes or is read by other systems in a month?", "5 TB", _bytes),
    Question("own_hall", "Do you have machines of your own that will stay?", "no", _flag),
)
ASSUMED = (
    Question("engineer_cost", "What does such a person cost a month, all included?", "15_000 USD", _money),
    Question(
        "extra_cloud_cost", "What does each further cloud cost a month, in people and tools?", "30_000 USD", _money
    ),
)
BY_KEY = {question.key: question for question in (*QUESTIONS, *ASSUMED)}


def answered(needs: Needs, key: str, value: object) -> Needs:
    """``needs`` with one more answer. Raises ValueError that says what is wrong with it, and an example."""
    question = BY_KEY.get(key)
    if question is None:
        raise ValueError(f"{key!r} is not asked; {suggestion(key, BY_KEY)}")
    if isinstance(value, str) and value.strip().lower() in UNKNOWN:
        return needs
    try:
        found = question.read(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}; write it as in {question.example}") from None
    return msgspec.structs.replace(needs, **{key: found})


def read_needs(path: Path, needs: Needs) -> tuple[Needs, tuple[Diagnostic, ...]]:
    """``needs`` with the answers of a YAML file, and every mistake with its line. Raises OSError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES).decode("utf8")
    except UnicodeDecodeError:
        return needs, (Diagnostic("error", "yaml_syntax", "not UTF-8", Place(str(path), 1, 1)),)
    tree, found = read(text, str(path))
    for key, entry in tree.entries.items() if tree is not None else ():
        try:
            needs = answered(needs, key, _plain(entry.node))
        except ValueError as error:
            code = "key_unknown" if key not in BY_KEY else "value_wrong"
            found.append(Diagnostic("error", code, str(error), entry.key.place((key,))))
    return needs, tuple(found)


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return "" if node.value is None else node.value
    if isinstance(node, Sequence):
        return [item.value if isinstance(item, Scalar) else "?" for item in node.items]
    return "a map"


def told(needs: Needs) -> Mapping[str, object]:
    """What is known, by key."""
    return {key: value for key, value in msgspec.structs.asdict(needs).items() if value is not None}
