"""The shipped tables are whole: sources, dates, units, references, and no invented price."""

import csv
import datetime
import re
import subprocess
import sys
from pathlib import Path

import pytest

from polycloud.catalog import Catalog, reading

ROOT = Path(__file__).parents[3]
RAW = ROOT.parent / "shared" / "data"
DIALECTS = {
    "aws": {"bedrock_converse"},
    "azure": {"openai_chat", "openai_responses", "anthropic_messages"},
    "gcp": {"gemini", "anthropic_messages", "openai_chat"},
    "oci": {"oci_generic", "oci_cohere"},
}
USABLE = {
    "aws": {"bedrock_converse"},
    "azure": {"openai_chat", "anthropic_messages"},
    "gcp": {"gemini", "anthropic_messages"},
    "oci": {"oci_generic"},
}
UNKNOWN_TO_LAW = {"BD"}  # no jurisdiction row: named as a gap of the reference data
NO_COUNTRY = {"aws/eu-isoe-west-1"}  # a secret region whose country is not published
TABLES = sorted(p.stem for p in (ROOT / "polycloud" / "catalog" / "tables").glob("*.csv"))
UNDATED = {"general", "gcp-interconnect-page"}  # general knowledge, and a page whose day is not stated


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.mark.parametrize("name", [t for t in TABLES if t != "sources"])
def test_every_row_names_a_known_source_and_its_date(name: str) -> None:
    sources = {s.id for s in reading.sources()}
    for row in reading.table(name):
        named = row["source"].split("+")
        assert set(named) <= sources, row
        assert re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", row["as_of"]) or (named[0] in UNDATED and not row["as_of"]), row


def test_every_source_says_where_and_when_and_is_used() -> None:
    used = {
        id for name in TABLES if name != "sources" for row in reading.table(name) for id in row["source"].split("+")
    }
    sources = list(reading.sources())
    assert {s.id for s in sources} == used
    for source in sources:
        assert source.upstream and source.as_of and source.licence, source


def test_regions_are_unique_and_have_a_country_and_a_known_kind() -> None:
    regions = list(reading.regions())
    ids = [f"{r.cloud}/{r.region}" for r in regions]
    assert len(ids) == len(set(ids)) > 200
    for id, region in zip(ids, regions, strict=True):
        assert region.kind in {"commercial", "government", "sovereign", "china", "dedicated", "secret"}
        assert bool(re.fullmatch("[A-Z]{2}", region.country)) != (id in NO_COUNTRY), id
        if region.latitude is not None and region.longitude is not None:
            assert -90 <= region.latitude <= 90 and -180 <= region.longitude <= 180


def test_every_site_belongs_to_the_law_of_its_country(catalog: Catalog) -> None:
    for site in catalog.sites():
        national = [j for j in site.jurisdictions if site.country in catalog.countries_in(j)]
        if site.id in NO_COUNTRY or site.country in UNKNOWN_TO_LAW:
            assert not site.jurisdictions
        else:
            assert national, site


def test_at_least_fifteen_jurisdictions_with_law_and_members(catalog: Catalog) -> None:
    rows = catalog.jurisdictions()
    assert len(rows) >= 15
    wanted = {"eu", "uk", "us", "us-ca", "ch", "jp", "au", "in", "sg", "kr", "br", "ca"}
    assert wanted <= {j.id for j in rows}
    for row in rows:
        assert row.law and row.members and row.law_source
        assert row.transfer_class in {"free", "safeguards", "localisation"}
        assert all(re.fullmatch(r"[A-Z]{2}(-[A-Z]+)?", m) for m in row.members)


def test_prices_are_positive_whole_micro_dollars_and_never_zero() -> None:
    for row in reading.table("prices"):
        for column, value in row.items():
            if "micro_usd" in column and value:
                assert re.fullmatch(r"[1-9]\d*", value), (row["upstream_id"], column, value)


def test_price_keys_are_unique_and_point_at_models_and_places(catalog: Catalog) -> None:
    rows = list(reading.prices())
    assert len({(r.cloud, r.upstream_id.lower(), r.scope) for r in rows}) == len(rows)
    ids = {(m.cloud, m.upstream_id) for m in catalog.models()}
    for row in rows:
        assert (row.cloud, row.upstream_id) in ids, row
        if row.scope.startswith("profile:"):
            assert row.scope.removeprefix("profile:") in {s.id for s in catalog.scopes(row.cloud)}, row
        elif row.scope:
            assert catalog.site(f"{row.cloud}/{row.scope}") is not None, row
        assert (row.long is None) == (row.long_from_tokens is None)


def test_prices_are_plausible() -> None:
    """A thousandfold slip of units would be outside: the dearest known model takes 150 dollars a million."""
    for row in reading.prices():
        for value in (row.price.input, row.price.output):
            assert value is None or 10_000 <= value <= 700_000_000, row
        read, write, plain = row.price.cache_read, row.price.cache_write, row.price.input
        assert read is None or plain is None or read <= plain, row
        assert write is None or plain is None or write >= plain, row


def test_free_rows_say_why_and_price_a_known_row() -> None:
    priced = {(r["cloud"], r["upstream_id"], r["scope"]) for r in reading.table("prices")}
    for row in reading.table("free"):
        assert row["reason"]
        assert (row["cloud"], row["upstream_id"], row["scope"]) in priced


def test_profile_regions_exist_and_are_of_one_kind(catalog: Catalog) -> None:
    for scope in reading.scopes():
        assert scope.regions
        if scope.regions == ("*",):
            continue
        rows = [catalog.region(f"{scope.cloud}/{region}") for region in scope.regions]
        assert None not in rows, scope
        assert len({r.kind for r in rows if r is not None}) == 1, scope


def test_models_are_unique_and_consistent(catalog: Catalog) -> None:
    models = catalog.models()
    assert len({(m.cloud, m.upstream_id.lower()) for m in models}) == len(models) > 200
    for model in models:
        assert model.dialect in DIALECTS[model.cloud], model
        assert model.usable == (model.dialect in USABLE[model.cloud]), model
        assert set(model.scopes) <= {s.id for s in catalog.scopes(model.cloud)}, model
        assert model.regional or model.scopes, model
        assert model.features.keys() <= set(reading.FEATURES)
        assert model.name == model.name.lower() and "/" not in model.name
        for tokens in (model.context_tokens, model.max_output_tokens):
            assert tokens is None or tokens >= 1000, model
        assert model.deprecation is None or isinstance(model.deprecation, datetime.date)


def test_one_spelling_never_means_two_models_of_a_cloud(catalog: Catalog) -> None:
    for cloud in DIALECTS:
        spelled: dict[str, str] = {}
        for model in catalog.models(cloud):
            key = model.name.replace(".", "-")
            assert spelled.setdefault(key, model.name) == model.name


@pytest.mark.parametrize(
    ("cloud", "names"),
    [
        ("azure", "gpt-4o gpt-4o-mini gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-5 gpt-5-mini o3"),
        ("azure", "o4-mini deepseek-v3.2 grok-4 llama-3.3-70b-instruct mistral-large-3 gpt-5.1 gpt-oss-120b"),
        ("aws", "claude-sonnet-4 claude-sonnet-4.5 claude-haiku-4.5 claude-opus-4 claude-3-5-sonnet claude-3-7-sonnet"),
        ("aws", "nova-pro nova-lite nova-micro llama-3.3-70b-instruct llama-4-maverick mistral-large-2407 deepseek-r1"),
        ("gcp", "gemini-2.0-flash gemini-2.5-flash gemini-2.5-flash-lite gemini-2.5-pro"),
        ("gcp", "gemini-3-pro-preview gemini-3.5-flash claude-sonnet-4.5 claude-haiku-4.5 claude-opus-4.5"),
        ("oci", "llama-3.3-70b-instruct llama-4-scout grok-4 gemini-2.5-pro command-a-03-2025 command-r-plus-08-2024"),
    ],
)  # fmt: skip
def test_models_that_people_ask_for_are_there_and_priced(catalog: Catalog, cloud: str, names: str) -> None:
    for name in names.split():
        model = catalog.model(cloud, name)
        assert model is not None, name
        price = catalog.price(cloud, name)
        assert price is not None and price.price.known and price.source and price.as_of, name


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw reference data is not beside the repository")
def test_raw_rows_at_zero_are_nowhere_known(catalog: Catalog) -> None:
    with (RAW / "llm_prices.csv").open(encoding="utf8", newline="") as file:
        zero = [r for r in csv.DictReader(file) if r["in_usd_m"] and float(r["in_usd_m"]) == 0 == float(r["out_usd_m"])]
    assert len(zero) == 48
    llamas = [r for r in zero if r["provider"] == "vertex_ai-llama_models"]
    assert len(llamas) == 6
    for row in llamas:
        id = row["model_id"].removeprefix("vertex_ai/")
        assert catalog.model("gcp", id) is not None
        assert catalog.price("gcp", id, "us-central1") is None


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw reference data is not beside the repository")
def test_tables_are_what_the_build_script_makes() -> None:
    done = subprocess.run(
        [sys.executable, "tools/build_catalog.py", str(RAW), "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw reference data is not beside the repository")
def test_check_notices_a_changed_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import build_catalog

    monkeypatch.setattr(build_catalog, "TABLES", tmp_path / "tables")
    monkeypatch.setattr(build_catalog, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["build_catalog", str(RAW)])
    assert build_catalog.main() == 0
    monkeypatch.setattr(sys, "argv", ["build_catalog", str(RAW), "--check"])
    assert build_catalog.main() == 0
    prices = tmp_path / "tables" / "prices.csv"
    prices.write_text(prices.read_text(encoding="utf8").replace("2500000", "2500001", 1), encoding="utf8")
    assert build_catalog.main() == 1
