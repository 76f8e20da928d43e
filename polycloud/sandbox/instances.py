"""Makes a value that satisfies a JSON Schema, the same one for the same seed: tool arguments, structured answers."""

import random
from collections.abc import Mapping, Sequence

from polycloud.sandbox.patterns import matching

DEPTH_MAX = 6  # below it optional parts are left out, so that recursive schemas end
SIZE_MAX = 10_000  # longest string or array that is made
NODES_MAX = 20_000  # values in one instance; nested arrays multiply
DEPTH_STOP = 40  # a schema that requires itself has no finite instance
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "juniper")
FORMATS = {
    "date": "2026-11-02",
    "date-time": "2026-11-02T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT15M",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.10",
    "ipv6": "2001:db8::10",
    "uri": "https://example.com/",
    "uuid": "6f1e7a52-3c0d-4b8e-9a57-2f6d1c4e8b90",
}
_BOUNDS_DEFAULT = (1, 100)


class NoInstance(ValueError):
    """The schema allows no value, or asks for something that is not simulated."""


def instance(schema: Mapping[str, object], chance: random.Random, names: Sequence[str] = ()) -> object:
    """A value for ``schema``. ``names`` are words of the question to use for free strings. Raises NoInstance,
    and patterns.Unmatched."""
    return _Maker(schema, chance, list(names)).make(schema, 0, "")


class _Maker:
    def __init__(self, root: Mapping[str, object], chance: random.Random, names: list[str]) -> None:
        self.root, self.chance, self.names = root, chance, names
        self.nodes = 0

    def make(self, schema: object, depth: int, label: str) -> object:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            raise NoInstance(f"the schema asks for more than {NODES_MAX} values")
        if schema is True or schema == {}:
            return self.word(label)
        if not isinstance(schema, Mapping) or depth > DEPTH_STOP:
            raise NoInstance("the schema allows no finite value")
        schema = self.flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if isinstance(options := schema.get("enum"), Sequence) and options:
            return self.chance.choice(options)
        for key in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(key), Sequence) and options:
                rest = {k: v for k, v in schema.items() if k != key}
                return self.make({**rest, **self.branch(options, depth)}, depth + 1, label)
        kind = schema.get("type")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            kinds = [k for k in kind if k != "null"] or ["null"]
            kind = "null" if depth > DEPTH_MAX and "null" in kind else kinds[0]
        if not isinstance(kind, str):
            kind = self.guess(schema)
        return self.typed(kind.lower(), schema, depth, label)

    def flat(self, schema: Mapping[str, object], depth: int) -> dict[str, object]:
        """``schema`` with its reference followed and its ``allOf`` merged in."""
        merged = dict(schema)
        for _ in range(DEPTH_STOP):
            if not isinstance(ref := merged.pop("$ref", None), str):
                break
            merged = {**self.resolve(ref), **merged}
        if isinstance(parts := merged.pop("allOf", None), Sequence):
            for part in parts:
                if isinstance(part, Mapping):
                    merged = _merge(merged, self.flat(part, depth + 1))
        return merged

    def resolve(self, ref: str) -> dict[str, object]:
        target: object = self.root
        for step in ref.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
        if not ref.startswith("#") or not isinstance(target, Mapping):
            raise NoInstance(f"the reference {ref!r} leads nowhere")
        return dict(target)

    def branch(self, options: Sequence[object], depth: int) -> dict[str, object]:
        shapes = [o for o in options if isinstance(o, Mapping)]
        nulls = [o for o in shapes if o.get("type") == "null"]
        others = [o for o in shapes if o.get("type") != "null"]
        chosen = nulls if nulls and (depth > DEPTH_MAX or not others) else others
        if not chosen:
            raise NoInstance("none of the alternatives is a schema")
        picked = chosen[-1] if depth > DEPTH_MAX else self.chance.choice(chosen)
        return self.flat(picked, depth)

    def guess(self, schema: Mapping[str, object]) -> str:
        for kind, keys in (
            ("object", ("properties", "required", "additionalProperties")),
            ("array", ("items", "prefixItems", "minItems")),
            ("number", ("minimum", "maximum", "multipleOf")),
        ):
            if any(k in schema for k in keys):
                return kind
        return "string"

    def typed(self, kind: str, schema: Mapping[str, object], depth: int, label: str) -> object:
        if kind == "object":
            return self.obj(schema, depth)
        if kind == "array":
            return self.array(schema, depth, label)
        if kind == "string":
            return self.text(schema, label)
        if kind in ("integer", "number"):
            return self.number(schema, kind == "integer")
        if kind == "boolean":
            return self.chance.random() < 0.5
        if kind == "null":
            return None
        raise NoInstance(f"the type {kind!r} is unknown")

    def obj(self, schema: Mapping[str, object], depth: int) -> dict[str, object]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = schema.get("required")
        required = [r for r in required if isinstance(r, str)] if isinstance(required, Sequence) else []
        names = [n for n in properties if n in required or depth < DEPTH_MAX]
        made = {n: self.make(properties[n], depth + 1, n) for n in names}
        extra = schema.get("additionalProperties", True)
        for name in required:
            if name not in made:
                made[name] = self.make(extra, depth + 1, name)
        minimum = schema.get("minProperties")
        while isinstance(minimum, int) and len(made) < minimum and extra is not False:
            made[f"{self.chance.choice(WORDS)}{len(made)}"] = self.make(extra, depth + 1, "")
        return made

    def array(self, schema: Mapping[str, object], depth: int, label: str) -> list[object]:
        first = schema.get("prefixItems")
        made = [self.make(s, depth + 1, label) for s in first] if isinstance(first, Sequence) else []
        low = _whole(schema.get("minItems"), 0)
        high = _whole(schema.get("maxItems"), max(low, 2))
        items = schema.get("items", True)
        if items is False:
            return made
        if low > SIZE_MAX:
            raise NoInstance(f"an array of {low} items is not made")
        wanted = low if depth >= DEPTH_MAX else max(low, min(high, 2))
        tries = 0
        while len(made) < wanted and tries < 20 * wanted:
            tries += 1
            value = self.make(items, depth + 1, label)
            if not (schema.get("uniqueItems") and value in made):
                made.append(value)
        if len(made) < low:
            raise NoInstance("not enough different items could be made")
        return made

    def text(self, schema: Mapping[str, object], label: str) -> str:
        if isinstance(pattern := schema.get("pattern"), str):
            return matching(pattern, self.chance)
        if isinstance(form := schema.get("format"), str) and form in FORMATS:
            return FORMATS[form]
        low = _whole(schema.get("minLength"), 0)
        high = _whole(schema.get("maxLength"), max(low, 200))
        if low > min(high, SIZE_MAX):
            raise NoInstance(f"a string of at least {low} and at most {high} characters is not made")
        value = self.word(label)
        while len(value) < low:
            value += f" {self.chance.choice(WORDS)}"
        return value[:high]

    def word(self, label: str) -> str:
        if self.names:
            return self.names.pop(0)
        return f"{label} {self.chance.choice(WORDS)}".strip()

    def number(self, schema: Mapping[str, object], whole: bool) -> int | float:
        low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
        step = _number(schema.get("multipleOf")) or (1 if whole else None)
        above, below = _number(schema.get("exclusiveMinimum")), _number(schema.get("exclusiveMaximum"))
        gap = step or 0.5
        if above is not None:
            low = above + gap if low is None else max(low, above + gap)
        if below is not None:
            high = below - gap if high is None else min(high, below - gap)
        if low is None:
            low = _BOUNDS_DEFAULT[0] if high is None or high >= _BOUNDS_DEFAULT[0] else high
        if high is None:
            high = max(low, _BOUNDS_DEFAULT[1])
        if step:
            first, last = -(-low // step), high // step
            if first > last:
                raise NoInstance("no number fits the bounds")
            value = self.chance.randint(int(first), int(min(last, first + 1000))) * step
            return int(value) if whole else value
        if low > high:
            low = high = (above + below) / 2 if above is not None and below is not None else high
        return round(low + (high - low) * self.chance.randint(0, 100) / 100, 6)


def _merge(one: dict[str, object], two: dict[str, object]) -> dict[str, object]:
    merged = {**one, **two}
    for key in ("properties", "$defs"):
        a, b = one.get(key), two.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            merged[key] = {**a, **b}
    a, b = one.get("required"), two.get("required")
    if isinstance(a, list) and isinstance(b, list):
        merged["required"] = a + [x for x in b if x not in a]
    return merged


def _whole(value: object, default: int) -> int:
    """A size that the schema asks for. Raises NoInstance when it is negative."""
    number = value if isinstance(value, int) else default
    if number < 0:
        raise NoInstance("a size can not be negative")
    return number


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
