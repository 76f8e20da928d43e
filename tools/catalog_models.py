"""Models and their prices, from the raw price table: one profile per cloud and upstream id, one price per scope.

The rule for ids: a raw id is stripped to what the cloud itself calls the model in one region, and what was
stripped (a region, a Bedrock prefix, an Azure data zone) becomes the scope of its price. The rule for conflicts:
the first provider table in ``TABLES_OF`` that says something wins, column by column; the maker's own table fills
what is still blank in a profile, never a price or a date.
"""

import re
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Protocol

from polycloud.catalog.reading import FEATURES
from polycloud.core.money import micro_usd

Row = dict[str, str]

TABLES_OF = {
    "aws": ("bedrock_converse", "bedrock"),
    "azure": ("azure", "azure_ai"),
    "gcp": ("vertex_ai-language-models", "vertex_ai", "vertex_ai-anthropic_models", "vertex_ai-*_models"),
    "oci": ("oci",),
}
MAKERS_OF = {"aws": ("anthropic",), "azure": ("openai", "anthropic"), "gcp": ("gemini", "anthropic"), "oci": ()}
MODES = ("chat", "responses")
AWS_SCOPES = ("global", "us-gov", "us", "eu", "apac", "jp", "au", "in")
AZURE_ZONES = {"us": "datazone:us", "eu": "datazone:eu", "apac": "datazone:apac"}
AZURE_SCOPE_WORDS = ("global-standard", "global", "us-gov", "us", "eu", "apac")
FLAGS = ("tools", "json_schema", "reasoning", "vision", "prompt_cache", "streaming")
PRICES = ("input", "output", "cache_read", "cache_write", "batch_input", "batch_output")
RAW_PRICES = ("in_usd_m", "out_usd_m", "cache_read_usd_m", "cache_write_usd_m", "batch_in_usd_m", "batch_out_usd_m")
UNIT = "_micro_usd_per_mtok"
MODEL_COLUMNS = [
    *("cloud", "name", "upstream_id", "dialect", "usable", "regional", "scopes", *FEATURES),
    *("context_tokens", "max_output_tokens", "modalities_in", "modalities_out", "deprecation", "source", "as_of"),
]
PRICE_COLUMNS = [
    *("cloud", "upstream_id", "scope", *(p + UNIT for p in PRICES)),
    *(f"{p}{UNIT}_long" for p in PRICES[:2]),
    *("long_from_tokens", "source", "as_of"),
]
_SPELLINGS = (
    (r"^llama(\d)-(\d)-", r"llama-\1.\2-"),
    (r"^llama(\d)-", r"llama-\1-"),
    (r"^meta-llama-", "llama-"),
    (r"^(llama-4-(?:maverick|scout))-.*", r"\1"),
    (r"^r1$", "deepseek-r1"),
    (r"^v3$", "deepseek-v3.1"),  # Bedrock's deepseek.v3-v1:0 is DeepSeek-V3.1
    (r"^v3\.2$", "deepseek-v3.2"),
    (r"^deepseek$", "deepseek-v3"),
    (r"^(gpt-oss-\d+b)-1$", r"\1"),
    (r"^(grok-\d)-(\d+)-", r"\1.\2-"),
    (r"^(mistral-large-3)-675b-instruct$", r"\1"),
    (r"^(llama-3\.2-(?:11|90)b)-instruct$", r"\1-vision-instruct"),
    (r"^(qwen3-(?:coder-480b-a35b|next-80b-a3b))-instruct$", r"\1"),
    (r"^qwen3-235b-a22b-instruct-2507$", "qwen3-235b-a22b-2507"),
    (r"^(.*)-instruct-fp8(-dynamic)?$", r"\1-instruct"),
)


class Folder(Protocol):
    def table(self, name: str) -> list[Row]: ...
    def hand(self, name: str) -> list[Row]: ...
    def as_of(self, source: str) -> str: ...


def build(raw: Folder, places: list[Row]) -> tuple[list[Row], list[Row]]:
    """(rows of models.csv, rows of prices.csv), sorted."""
    rows = raw.table("llm_prices")
    models: list[Row] = []
    prices: list[Row] = []
    for cloud in TABLES_OF:
        picked = _picked(cloud, rows, raw.hand("dropped"))
        regions = {p["region"] for p in places if p["cloud"] == cloud}
        government = sorted(p["region"] for p in places if p["cloud"] == cloud and p["kind"] == "government")
        own_prices = [p for id, r in picked for p in _prices(cloud, id, r, government, raw)]
        if cloud == "azure":
            own_prices = _azure_regional(raw, regions) + own_prices
        first: dict[tuple[str, str], Row] = {}
        for price in own_prices:
            first.setdefault((price["upstream_id"], price["scope"]), price)
        makers = {r["canonical"]: r for m in MAKERS_OF[cloud] for r in rows if r["provider"] == m}
        models += _models(cloud, picked, makers, raw)
        prices += [first[key] for key in sorted(first)]
    return models, prices


def _picked(cloud: str, rows: list[Row], dropped: list[Row]) -> list[tuple[str, Row]]:
    """(upstream id, raw row with its scope in our words), best provider table first."""
    patterns = [d["upstream_id"] for d in dropped if d["cloud"] == cloud]
    found: list[tuple[str, Row]] = []
    tables = TABLES_OF[cloud]
    for table in tables:
        for row in rows:
            if table != next((t for t in tables if fnmatchcase(row["provider"], t)), None):
                continue
            split = _split(cloud, row)
            if split is None or any(fnmatchcase(split[0], p) for p in patterns):
                continue
            found += [(split[0], row | {"scope": scope}) for scope in split[1]]
    listed = {_name(r["canonical"]) for _, r in found if r["src"] == "litellm"}
    return [(id, r) for id, r in found if r["src"] == "litellm" or _name(r["canonical"]) not in listed]


def _split(cloud: str, row: Row) -> tuple[str, list[str]] | None:
    """(upstream id, scopes) of a raw row; None for what is no chat model of this cloud's own endpoint."""
    id, scope = row["model_id"], row["scope"]
    if row["mode"] not in MODES and not (cloud == "aws" and row["src"] == "genai-prices"):
        return None
    if cloud == "aws":
        if "commitment" in id or "/claude_platform/" in id or "/invoke/" in id or id.startswith("regional."):
            return None
        id = id.rsplit("/", 1)[-1]
        prefix = id.split(".")[0]
        if prefix in AWS_SCOPES:
            return id.removeprefix(prefix + "."), ["profile:" + prefix]
        return id, [scope]
    if cloud == "azure":
        if row["src"] == "genai-prices":
            return None
        parts = id.split("/")[1:]
        if parts[0] in AZURE_SCOPE_WORDS:
            parts = parts[1:]
        word = {"global-standard": "global"}.get(scope, scope)
        return "/".join(parts), ["profile:" + AZURE_ZONES.get(word, word) if word else ""]
    id = id.removeprefix("vertex_ai/").removeprefix("oci/")
    return id, ["profile:global" if s == "global" else s for s in scope.split("|")]


def _prices(cloud: str, id: str, row: Row, government: list[str], raw: Folder) -> list[Row]:
    """The price row of a raw row; Azure's government price stands once for each of its regions."""
    price = {ours + UNIT: _micro(row[theirs]) for ours, theirs in zip(PRICES, RAW_PRICES, strict=True)}
    price |= {f"input{UNIT}_long": _micro(row["in_usd_m_long"]), f"output{UNIT}_long": _micro(row["out_usd_m_long"])}
    written = price["cache_write" + UNIT]
    if written and int(written) < int(price["input" + UNIT] or 0):
        price["cache_write" + UNIT] = ""  # a write never costs less than plain input: a cached price, misnamed
    long = row["long_from_tokens"] if row["in_usd_m_long"] else ""
    if not any(price.values()):
        return []
    own = {"cloud": cloud, "upstream_id": id} | price
    own |= {"long_from_tokens": long, "source": row["src"], "as_of": raw.as_of(row["src"])}
    scopes = government if (cloud, row["scope"]) == ("azure", "profile:us-gov") else [row["scope"]]
    return [own | {"scope": scope} for scope in scopes]


def _azure_regional(raw: Folder, regions: set[str]) -> list[Row]:
    """Regional prices from Azure's retail meters; the newest meter of a region wins."""
    sets: dict[str, list[str]] = {}
    for r in raw.table("azure_genai_region_sets"):
        sets.setdefault(r["region_set"], []).append(r["region"])
    newest: dict[tuple[str, str], Row] = {}
    for meter in raw.table("azure_genai_meters"):
        if meter["product"] != "Azure OpenAI" or meter["unit"] != "1K":
            continue
        for region in sets[meter["region_set"]]:
            known = newest.get((meter["meter"], region))
            if region in regions and (known is None or known["valid_from"] <= meter["valid_from"]):
                newest[meter["meter"], region] = meter
    found = []
    for row in raw.hand("azure_meters"):
        for region in sorted(regions):
            meters = {p: newest.get((row[p], region)) for p in ("input", "output", "cache_read")}
            if meters["input"] is None or meters["output"] is None:
                continue
            price = dict.fromkeys(PRICE_COLUMNS, "") | {"cloud": "azure", "scope": region, "source": "azure-genai"}
            price |= {p + UNIT: str(micro_usd(Decimal(m["usd"]) * 1000)) for p, m in meters.items() if m is not None}
            price["as_of"] = raw.as_of("azure-genai")
            found += [price | {"upstream_id": id} for id in row["upstream_ids"].split("|")]
    return found


def _models(cloud: str, picked: list[tuple[str, Row]], makers: dict[str, Row], raw: Folder) -> list[Row]:
    by_id: dict[str, list[Row]] = {}
    for id, row in picked:
        by_id.setdefault(id, []).append(row)
    rules = [r for r in raw.hand("features") if r["cloud"] in (cloud, "*")]
    found = []
    for id, all_rows in by_id.items():
        rows = sorted(all_rows, key=lambda r: r["scope"].startswith("profile:"))  # plain rows first, else as listed
        name = _name(rows[0]["canonical"])
        filled = [*rows, makers[rows[0]["canonical"]]] if rows[0]["canonical"] in makers else rows
        scopes = {r["scope"].removeprefix("profile:") for r in rows if r["scope"].startswith("profile:")}
        if cloud == "azure":
            scopes = (scopes | {"global"}) - {"us-gov"}  # the general row is the Global price
        dialect, usable = _dialect(cloud, id, rows[0])
        model = {"cloud": cloud, "name": name, "upstream_id": id, "dialect": dialect, "usable": usable}
        wide = all(r["scope"].startswith("profile:") for r in rows) if cloud != "azure" else id.startswith("claude-")
        model["regional"] = "0" if wide else "1"  # claude-in-microsoft-foundry: Global and US Data Zone alone, 2026-11
        model["scopes"] = "|".join(sorted(scopes))
        model |= dict.fromkeys(FEATURES, "") | {f: _first(filled, f) for f in FLAGS}
        for rule in rules:
            if fnmatchcase(name, rule["models"]):
                model[rule["feature"]] = rule["value"]
        model["context_tokens"] = _first(filled, "context")
        model["max_output_tokens"] = _first(filled, "max_out")
        model["modalities_in"] = _first(filled, "modal_in")
        model["modalities_out"] = _first(filled, "modal_out")
        model["deprecation"] = _first(rows, "deprecation")
        model["source"], model["as_of"] = rows[0]["src"], raw.as_of(rows[0]["src"])
        found.append(model)
    return sorted(found, key=lambda m: (m["name"], _rank(m), m["upstream_id"]))


def _rank(model: Row) -> tuple[int, int, int]:
    """Which id a public name stands for: usable, then undated on Azure and pinned elsewhere, then the newest."""
    date = re.search(r"(\d{4})-?(\d{2})-?(\d{2})", model["upstream_id"])
    day = int("".join(date.groups())) if date else 0
    pinned = (0 if date is None else 1) if model["cloud"] == "azure" else (1 if date is None else 0)
    return (0 if model["usable"] == "1" else 1, pinned, -day)


def _dialect(cloud: str, id: str, row: Row) -> tuple[str, str]:
    """(dialect, "1" when an adapter of this version speaks it there)."""
    if cloud == "aws":
        return "bedrock_converse", "1"
    if cloud == "azure":
        if row["mode"] == "responses":
            return "openai_responses", "0"
        return ("anthropic_messages" if id.startswith("claude-") else "openai_chat"), "1"
    if cloud == "gcp":
        if id.startswith("gemini-"):
            return "gemini", "1"
        return ("anthropic_messages", "1") if id.startswith("claude-") else ("openai_chat", "0")
    return ("oci_cohere", "0") if id.startswith("cohere.") else ("oci_generic", "1")


def _name(canonical: str) -> str:
    """The public name: one spelling of a model on every cloud."""
    name = canonical.split("@")[0]
    for pattern, spelling in _SPELLINGS:
        name = re.sub(pattern, spelling, name)
    return name


def _first(rows: list[Row], column: str) -> str:
    return next((r[column] for r in rows if r[column]), "")


def _micro(dollars: str) -> str:
    """Micro-dollars as text; 0 becomes blank, which is unknown (what is really free stands in free.csv)."""
    value = micro_usd(dollars) if dollars else 0
    return str(value) if value else ""
