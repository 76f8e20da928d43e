"""Look-ups: sites, law, models by any of their names, places of processing, and the price that holds at a place."""

import msgspec
import pytest

from polycloud.catalog import Catalog, UnknownScope, reading
from polycloud.catalog.rows import PriceRow
from polycloud.core.money import TokenPrice

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def countries(catalog: Catalog, places: tuple[str, ...]) -> set[str]:
    return {site.country for id in places if (site := catalog.site(id)) is not None}


def test_a_site_has_its_country_and_law(catalog: Catalog) -> None:
    site = catalog.site("azure/westeurope")
    assert site is not None
    assert (site.cloud, site.name, site.country, site.jurisdictions) == ("azure", "westeurope", "NL", ("eu",))
    assert site.latitude == pytest.approx(52.4, abs=0.5)
    assert catalog.site("aws/us-west-1").jurisdictions == ("us", "us-ca")  # type: ignore[union-attr]
    assert catalog.site("aws/nowhere-1") is None
    assert {s.cloud for s in catalog.sites("oci")} == {"oci"}


def test_law_of_countries_and_parts(catalog: Catalog) -> None:
    assert catalog.jurisdictions_of("DE") == ("eu",)
    assert catalog.jurisdictions_of("no") == ("eu",)
    assert catalog.jurisdictions_of("US-CA") == ("us-ca",)
    assert catalog.jurisdictions_of("BD") == ()
    assert catalog.countries_in("uk") == ("GB",)
    assert catalog.countries_in("us-ca") == ()
    with pytest.raises(KeyError):
        catalog.countries_in("atlantis")


def test_adequacy_counts_decisions_in_force_and_certificates_only_when_asked(catalog: Catalog) -> None:
    adequate = catalog.adequate("eu")
    assert {"CH", "JP", "KR", "GB", "NZ"} <= adequate
    assert "BR" not in adequate, "a draft is no decision"
    assert "US" not in adequate
    assert "US" in catalog.adequate("eu", certified=True)
    assert {"DE", "NO"} <= catalog.adequate("uk"), "EEA means every member"
    assert catalog.adequate("br") == frozenset()


def test_a_model_is_found_by_any_of_its_names(catalog: Catalog) -> None:
    found = catalog.model("aws", "claude-sonnet-4-5")
    assert found is not None and found.upstream_id == SONNET
    for text in ("claude-sonnet-4.5", SONNET, "eu." + SONNET, "us.claude-sonnet-4.5"):
        assert catalog.model("aws", text) == found
    assert catalog.model("azure", "llama-3.3-70b-instruct").upstream_id == "Llama-3.3-70B-Instruct"  # type: ignore[union-attr]
    assert catalog.model("azure", "gpt-4o-2024-05-13").max_output_tokens == 4096  # type: ignore[union-attr]
    assert catalog.model("gcp", "claude-sonnet-4.5").upstream_id == "claude-sonnet-4-5@20250929"  # type: ignore[union-attr]
    assert catalog.model("azure", "gpt-40") is None


def test_features_are_known_true_known_false_or_unknown(catalog: Catalog) -> None:
    gpt4o, gpt5 = catalog.model("azure", "gpt-4o"), catalog.model("azure", "gpt-5")
    assert gpt4o is not None and gpt5 is not None
    assert (gpt4o.can("tools"), gpt4o.can("json_schema"), gpt4o.can("temperature")) == (True, True, True)
    assert (gpt5.can("reasoning"), gpt5.can("temperature")) == (True, False)
    assert gpt5.can("stop") is False and gpt5.can("seed") is None
    assert catalog.model("aws", "claude-opus-4.7").can("temperature") is False  # type: ignore[union-attr]
    assert catalog.model("aws", "claude-sonnet-4.5").can("temperature") is True  # type: ignore[union-attr]
    assert catalog.model("azure", "gpt-5-chat").can("temperature") is None  # type: ignore[union-attr]
    said = {
        n: catalog.model("azure", n).can("temperature") for n in ("gpt-5.2", "gpt-5.2-chat", "gpt-5.4-mini", "gpt-5.5")
    }  # type: ignore[union-attr]
    assert said == {"gpt-5.2": True, "gpt-5.2-chat": False, "gpt-5.4-mini": True, "gpt-5.5": False}


def test_a_regional_deployment_stays_where_it_is_called(catalog: Catalog) -> None:
    assert catalog.places("aws", "eu-west-1", SONNET) == ("aws/eu-west-1",)
    assert catalog.places("azure", "westeurope", "gpt-4o") == ("azure/westeurope",)
    assert catalog.places("gcp", "europe-west1", "gemini-2.5-flash") == ("gcp/europe-west1",)
    assert catalog.places("oci", "eu-frankfurt-1", "meta.llama-3.3-70b-instruct") == ("oci/eu-frankfurt-1",)


def test_bedrock_profiles_count_every_place(catalog: Catalog) -> None:
    us = catalog.places("aws", "us-east-1", "us." + SONNET)
    assert us[0] == "aws/us-east-1"
    assert countries(catalog, us) == {"US"}
    assert catalog.places("aws", "us-east-1", SONNET, scope="us") == us
    assert catalog.places("aws", "us-east-1", SONNET, scope="profile:us") == us
    assert countries(catalog, catalog.places("aws", "ca-central-1", "us." + SONNET)) == {"US", "CA"}
    eu = catalog.places("aws", "eu-west-1", "eu." + SONNET)
    assert {"GB", "CH"} < countries(catalog, eu), "the vendor's list may include London and Zurich"
    assert "AE" in countries(catalog, catalog.places("aws", "ap-south-1", "apac." + SONNET))
    assert countries(catalog, catalog.places("aws", "ap-northeast-1", "jp." + SONNET)) == {"JP"}
    everywhere = catalog.places("aws", "eu-west-1", "global." + SONNET)
    assert {"US", "DE", "SG", "BR"} <= countries(catalog, everywhere)
    assert not {"aws/us-gov-west-1", "aws/cn-north-1"} & set(everywhere)


def test_azure_and_vertex_scopes(catalog: Catalog) -> None:
    eu = catalog.places("azure", "westeurope", scope="datazone:eu")
    assert countries(catalog, eu) <= set(catalog.countries_in("eu"))
    assert not countries(catalog, eu) & {"NO", "CH", "GB"}
    assert catalog.places("azure", "westeurope", scope="datazone") == eu
    assert countries(catalog, catalog.places("azure", "eastus", scope="datazone")) == {"US"}
    assert len(catalog.places("azure", "westeurope", scope="global")) == 60
    assert countries(catalog, catalog.places("gcp", "europe-west1", scope="eu")) <= set(catalog.countries_in("eu"))
    assert "US" in countries(catalog, catalog.places("gcp", "europe-west1", scope="global"))


def test_endpoints_and_models_that_promise_no_place_may_be_anywhere(catalog: Catalog) -> None:
    assert len(catalog.places("gcp", "me-central1", "gemini-2.5-flash")) > 40
    for name in ("google.gemini-2.5-pro", "gemini-2.5-pro", "openai.gpt-5"):
        assert "US" in countries(catalog, catalog.places("oci", "eu-frankfurt-1", name))
    assert catalog.places("oci", "eu-frankfurt-1", "openai.gpt-oss-120b") == ("oci/eu-frankfurt-1",)


@pytest.mark.parametrize(
    ("cloud", "region", "id", "scope"),
    [
        ("aws", "ca-central-1", "ca." + SONNET, ""),
        ("aws", "eu-west-1", SONNET, "emea"),
        ("aws", "eu-west-1", "us." + SONNET, "eu"),
        ("aws", "eu-west-1", "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc", ""),
        ("azure", "westeurope", "gpt-4o", "datazone:uk"),
        ("azure", "uksouth", "gpt-4o", "datazone"),
        ("gcp", "asia-east1", "gemini-2.5-flash", "asia"),
        ("oci", "eu-frankfurt-1", "meta.llama-3.3-70b-instruct", "global"),
    ],
)
def test_unknown_scopes_are_refused_not_guessed(catalog: Catalog, cloud: str, region: str, id: str, scope: str) -> None:
    with pytest.raises(UnknownScope):
        catalog.places(cloud, region, id, scope)


def test_arns_of_system_profiles_and_of_regional_resources(catalog: Catalog) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:"
    assert catalog.scope_of("aws", f"{arn}inference-profile/us.{SONNET}") == "us"
    assert catalog.scope_of("aws", f"{arn}provisioned-model/abcdef") == ""


def test_what_to_call_the_provider_with(catalog: Catalog) -> None:
    assert catalog.upstream_id("aws", "claude-sonnet-4.5") == SONNET
    assert catalog.upstream_id("aws", "claude-sonnet-4.5", "profile:eu") == "eu." + SONNET
    assert catalog.upstream_id("aws", "eu." + SONNET) == "eu." + SONNET
    assert catalog.upstream_id("azure", "gpt-4o", "global") == "gpt-4o"
    assert catalog.upstream_id("aws", "no-such-model") is None


def test_the_price_of_the_place_wins_over_the_general_one(catalog: Catalog) -> None:
    def price_in(place: str, id: str = "gpt-4o") -> tuple[str, int | None]:
        row = catalog.price("azure", id, place)
        assert row is not None
        return row.scope, row.price.input

    assert price_in("swedencentral") == ("swedencentral", 3_025_000)
    assert price_in("profile:datazone:eu") == price_in("datazone:eu") == ("profile:datazone:eu", 2_750_000)
    assert price_in("global") == ("", 2_500_000)
    assert price_in("usgovvirginia") == ("usgovvirginia", 3_438_000)
    assert price_in("westeurope", "gpt-4o-2024-05-13") == ("", 5_000_000), "a dated id has its own price"
    own = catalog.price("aws", "eu." + SONNET, "eu-west-1")
    assert own is not None and (own.scope, own.price.input) == ("profile:eu", 3_300_000)
    assert own == catalog.price("aws", "claude-sonnet-4.5", "profile:eu")


def test_a_general_price_does_not_hold_in_another_realm(catalog: Catalog) -> None:
    assert catalog.price("aws", "nova-micro", "eu-west-1") is not None
    assert catalog.price("aws", "nova-micro", "us-gov-east-1") is None
    assert catalog.price("aws", "nova-micro", "profile:us-gov") is None
    assert catalog.price("azure", "gpt-5", "chinaeast2") is None
    assert catalog.price("azure", "gpt-5", "no-such-region") is None
    assert catalog.price("azure", "no-such-model", "westeurope") is None


def test_long_context_prices(catalog: Catalog) -> None:
    row = catalog.price("gcp", "claude-sonnet-4.5", "europe-west1")
    assert row is not None and row.long is not None
    assert (row.long_from_tokens, row.long.input, row.long.output) == (200_000, 6_000_000, 22_500_000)


def test_zero_is_unknown_unless_listed_as_free(catalog: Catalog) -> None:
    columns = ("input", "output", "cache_read", "cache_write")
    zero = {f"{c}_micro_usd_per_mtok": "0" for c in columns}
    assert not reading._price(zero, "", free=False).known
    assert reading._price(zero, "", free=True) == TokenPrice(0, 0, 0, 0)
    gift = PriceRow("oci", "meta.llama-3.3-70b-instruct", "", TokenPrice(0, 0), "laws", "2026-11", free=True)
    facts = reading.facts()
    given = Catalog(msgspec.structs.replace(facts, prices=(gift,)))
    assert given.price("oci", "llama-3.3-70b-instruct", "eu-frankfurt-1") == gift
    for cloud, model, region in (
        ("oci", "llama-3.3-70b-instruct", "eu-frankfurt-1"),
        ("gcp", "llama-3.1-70b-instruct", "us-central1"),
    ):
        row = catalog.price(cloud, model, region)
        assert row is None or not row.free


def test_did_you_mean(catalog: Catalog) -> None:
    assert "azure/westeurope" in catalog.similar("site", "azure/west-europe")
    assert catalog.similar("region:aws", "us-eest-1")[0] in {"us-east-1", "us-west-1"}
    assert catalog.similar("model:azure", "gtp-4o")[0] == "gpt-4o"
    assert "azure" in catalog.similar("cloud", "azur")
    assert catalog.similar("jurisdiction", "zzz") == []
    with pytest.raises(ValueError, match="no names of kind"):
        catalog.similar("planet", "mars")
