"""Compiling: addresses, names, places, prices, shares and limits; and what is refused, with the fix."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from polycloud.catalog import Catalog
from polycloud.core.chat import Need
from polycloud.core.errors import EstateError
from polycloud.core.money import TokenPrice
from polycloud.estate import Estate, load
from polycloud.policy.compile import compile
from polycloud.policy.prove import prove
from polycloud.policy.tables import Compiled, Deployment, Tables, decode, encode

CATALOG = Catalog.load()
EXAMPLES = sorted((Path(__file__).parents[3] / "polycloud/app/examples").glob("*/estate.yaml"))
CLOUDS = {
    "aws": {"sites": ["us-east-1", "eu-central-1"]},
    "azure": {"sites": ["westeurope", "uksouth"], "resource": "acme-{estate}-{region}"},
    "gcp": {"sites": ["europe-west1"], "project": "acme"},
    "oci": {"sites": ["eu-frankfurt-1"], "compartment": "ocid1.compartment.oc1..x"},
}


def estate(**sections: Any) -> Estate:
    return Estate.model_validate_json(json.dumps({"estate": "test", "clouds": CLOUDS, **sections}))


def one(deployment: dict[str, Any], name: str = "m", **sections: Any) -> Deployment:
    made = compile(estate(models={name: {"deployments": [deployment]}}, **sections), CATALOG)
    return made.deployments[0]


def refused(deployment: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    models = {} if deployment is None else {"models": {"m": {"deployments": [deployment]}}}
    with pytest.raises(EstateError) as caught:
        compile(estate(**models, **sections), CATALOG)
    assert all(d.fix for d in caught.value.diagnostics)
    return [d.code for d in caught.value.diagnostics]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_examples_compile_and_survive_the_wire(path: Path) -> None:
    found = load(path)
    assert found.estate is not None
    tables = compile(found.estate, CATALOG, {}, found.place)
    assert tables.deployments
    assert decode(encode(tables)) == tables
    assert len({d.id for d in tables.deployments}) == len(tables.deployments)


class TestAddresses:
    @pytest.mark.parametrize(
        ("deployment", "url", "called"),
        [
            (
                {"at": "aws/eu-central-1", "model": "claude-sonnet-4-6", "profile": "eu"},
                "https://bedrock-runtime.eu-central-1.amazonaws.com",
                "eu.anthropic.claude-sonnet-4-6",
            ),
            (
                {"at": "aws/us-east-1", "model": "llama-3.3-70b-instruct"},
                "https://bedrock-runtime.us-east-1.amazonaws.com",
                "meta.llama3-3-70b-instruct-v1:0",
            ),
            ({"at": "azure/westeurope", "model": "gpt-4o"}, "https://acme-test-westeurope.openai.azure.com", "gpt-4o"),
            (
                {"at": "azure/westeurope", "model": "gpt-4o", "upstream": "my-gpt"},
                "https://acme-test-westeurope.openai.azure.com",
                "my-gpt",
            ),
            (
                {"at": "gcp/europe-west1", "model": "claude-sonnet-4-6"},
                "https://europe-west1-aiplatform.googleapis.com",
                "claude-sonnet-4-6",
            ),
            (
                {"at": "gcp/europe-west1", "model": "claude-sonnet-4-6", "profile": "global"},
                "https://aiplatform.googleapis.com",
                "claude-sonnet-4-6",
            ),
            (
                {"at": "gcp/europe-west1", "model": "claude-sonnet-4-6", "profile": "eu"},
                "https://aiplatform.eu.rep.googleapis.com",
                "claude-sonnet-4-6",
            ),
            (
                {"at": "oci/eu-frankfurt-1", "model": "llama-3.3-70b-instruct"},
                "https://inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com",
                "meta.llama-3.3-70b-instruct",
            ),
        ],
    )
    def test_real_addresses(self, deployment: dict[str, Any], url: str, called: str) -> None:
        found = one(deployment)
        assert (found.upstream.base_url, found.upstream.model) == (url, called)
        assert not found.simulated
        assert found.credential == f"{found.cloud}:environment"

    def test_options_that_the_adapters_read(self) -> None:
        gcp = one({"at": "gcp/europe-west1", "model": "claude-sonnet-4-6", "profile": "eu"})
        assert gcp.upstream.options == {"project": "acme", "location": "eu"}
        assert gcp.upstream.dialect == "anthropic_messages"
        oci = one(
            {
                "at": "oci/eu-frankfurt-1",
                "model": "llama-3.3-70b-instruct",
                "capacity": {"units": 1, "endpoint": "ocid1.generativeaiendpoint.x"},
            }
        )
        assert oci.upstream.options["endpoint"] == "ocid1.generativeaiendpoint.x"
        clouds = {"azure": {"sites": ["westeurope"], "api": "deployments"}}
        azure = one({"at": "azure/westeurope", "model": "gpt-4o"}, clouds=clouds)
        assert azure.upstream.options == {"style": "deployments", "api_version": "2024-10-21"}

    def test_own_hall(self) -> None:
        halls = {"hall": {"country": "DE", "models_at": "http://10.0.0.5:8000/v1/"}}
        found = one({"at": "onprem/hall", "features": {"tools": True}}, onprem=halls)
        assert found.upstream.base_url == "http://10.0.0.5:8000/v1"
        assert found.upstream.dialect == "openai_chat"
        assert found.places == ("onprem/hall",)
        assert found.credential == ""
        assert found.price == TokenPrice()

    def test_endpoints_replace_addresses_and_a_simulated_cloud_is_never_called_at_its_real_one(self) -> None:
        models = {"m": {"deployments": [{"at": "aws/us-east-1", "model": "claude-sonnet-4-6", "profile": "us"}]}}
        simulated = estate(models=models, sandbox={"clouds": ["aws"]})
        running = compile(simulated, CATALOG, {"aws/us-east-1": "http://127.0.0.1:9001"})
        assert running.deployments[0].upstream.base_url == "http://127.0.0.1:9001"
        assert running.deployments[0].credential == "aws:sandbox"
        assert running.simulated
        still = compile(simulated, CATALOG)
        assert still.deployments[0].upstream.base_url.endswith(".invalid")

    def test_tables_are_simulated_only_as_a_whole(self) -> None:
        models = {
            "m": {"deployments": [{"at": "aws/us-east-1", "model": "claude-sonnet-4-6", "profile": "us"}]},
            "gpt-4o": {"deployments": [{"at": "azure/westeurope"}]},
        }
        assert not compile(estate(models=models, sandbox={"clouds": ["aws"]}), CATALOG).simulated


class TestPlaces:
    def test_a_profile_carries_every_place(self) -> None:
        found = one({"at": "aws/eu-central-1", "model": "claude-sonnet-4-6", "profile": "eu"})
        assert found.places[0] == "aws/eu-central-1"
        assert {"aws/eu-west-2", "aws/eu-central-2"} <= set(found.places), "London and Zurich may process it"

    def test_an_id_that_leads_elsewhere_than_its_profile_counts_both(self) -> None:
        found = one({"at": "aws/eu-central-1", "upstream": "us.anthropic.claude-sonnet-4-6", "profile": "eu"})
        assert {"aws/us-east-1", "aws/eu-west-1"} <= set(found.places)

    def test_global_is_everywhere_and_classes_see_it(self) -> None:
        made = compile(
            estate(
                models={
                    "gpt-4o": {
                        "deployments": [{"at": "azure/westeurope", "profile": "global"}, {"at": "azure/westeurope"}]
                    }
                },
                data_classes={"pii": {"stay_in": "eu"}, "any": {}},
            ),
            CATALOG,
        )
        assert [d.id for d in made.deployments] == ["azure/westeurope/gpt-4o", "azure/westeurope/gpt-4o#2"]
        assert len(made.deployments[0].places) > 20
        assert made.classes["pii"].allowed == (1,)
        assert made.classes["any"].allowed == (0, 1)
        assert "must stay in eu" in made.classes["pii"].rule


class TestClaudeOnAzure:
    """It is deployed worldwide or in the United States, on machines of Azure or of Anthropic."""

    BASE: ClassVar[dict[str, Any]] = {"at": "azure/westeurope", "model": "claude-opus-5-5"}
    CLASSES: ClassVar[dict[str, Any]] = {
        "any": {},
        "american": {"stay_in": "us"},
        "european": {"stay_in": "eu"},
        "azure": {"clouds": ["azure"]},
        "sites": {"sites": ["*"]},
        "run": {"operators": ["commercial", "onprem"]},
    }

    def holding(self, **said: str) -> tuple[Deployment, set[str]]:
        models = {"m": {"deployments": [{**self.BASE, **said}]}}
        clouds = {"azure": {"sites": ["westeurope", "eastus2"]}}
        made = estate(clouds=clouds, models=models, data_classes=self.CLASSES, residency={"default_class": "any"})
        tables = compile(made, CATALOG)
        assert prove(Compiled(tables), made, CATALOG).holds
        return tables.deployments[0], {name for name, row in tables.classes.items() if row.allowed}

    def test_what_is_not_said_is_not_known(self) -> None:
        for said in ({}, {"profile": "global"}, {"hosting": "anthropic"}):
            found, held = self.holding(**said)
            assert held == {"any"}
            assert "azure/eastus2" in found.places and "anthropic" in found.places

    def test_on_azure_it_is_worldwide_or_american(self) -> None:
        for said in ({"hosting": "azure"}, {"hosting": "azure", "profile": "global"}):
            found, held = self.holding(**said)
            assert held == {"any", "azure", "sites", "run"}
            assert {"azure/eastus2", "azure/japaneast"} <= set(found.places) and "anthropic" not in found.places
        found, held = self.holding(at="azure/eastus2", hosting="azure", profile="datazone:us")
        assert held == {"any", "american", "azure", "sites", "run"}
        assert all(CATALOG.site(place).country == "US" for place in found.places)

    def test_a_deployment_of_another_name_is_known_by_its_model_or_dialect(self) -> None:
        assert "anthropic" in one({**self.BASE, "upstream": "prod"}).places
        named = one({"at": "azure/westeurope", "upstream": "prod", "dialect": "anthropic_messages"})
        assert "anthropic" in named.places and named.upstream.model == "prod"
        assert "anthropic" in one({**self.BASE, "dialect": "openai_chat"}).places, "a wrong word proves nothing"

    def test_address_dialect_price_and_what_it_can(self) -> None:
        found = one(self.BASE)
        assert found.upstream.base_url == "https://acme-test-westeurope.services.ai.azure.com"
        assert (found.upstream.dialect, found.upstream.model) == ("anthropic_messages", "claude-opus-5-5")
        assert found.price.input and found.price_source
        assert found.can & Need.TOOLS and found.can & Need.PROMPT_CACHE and not found.can & Need.JSON_SCHEMA
        assert one({**self.BASE, "hosting": "anthropic"}).can & Need.JSON_SCHEMA
        assert not one({**self.BASE, "hosting": "azure"}).can & Need.JSON_SCHEMA
        american = {**self.BASE, "hosting": "azure", "profile": "datazone:us"}
        assert not one(american).price.known, "none is listed"


class TestPrices:
    def test_order_of_sources(self) -> None:
        base = {"at": "azure/westeurope", "model": "gpt-4o"}
        listed = one(base)
        assert listed.price.known
        assert listed.price_source
        own = one({**base, "price": {"input": "1.50 USD", "output": "6 USD", "source": "contract, 2026-11"}})
        assert own.price == TokenPrice(1_500_000, 6_000_000)
        assert own.price_source == "contract, 2026-11"
        bought = one({**base, "capacity": {"ptu": 100}})
        assert bought.price == TokenPrice(0, 0, 0, 0)
        unknown = one({"at": "azure/westeurope", "model": "no-such-model"})
        assert unknown.price == TokenPrice()

    def test_zero_in_the_tables_is_unknown(self) -> None:
        found = one({"at": "gcp/europe-west1", "model": "no-such-gemini"})
        assert not found.price.known


class TestRoutes:
    SITES = ("aws/us-east-1", "azure/westeurope")

    def tables(self, *routes: dict[str, Any], **sections: Any) -> Tables:
        models = {
            "gpt-4o": {"deployments": [{"at": "azure/westeurope"}], "aliases": ["gpt"], "equivalent": ["claude"]},
            "claude": {"deployments": [{"at": "aws/us-east-1", "model": "claude-sonnet-4-6", "profile": "us"}]},
        }
        return compile(estate(models=models, routes=list(routes), **sections), CATALOG)

    def test_everything_of_a_route(self) -> None:
        made = self.tables(
            {
                "match": {"model": "g*"},
                "at": ["azure/*"],
                "shares": {"aws/us-east-1": "60 %", "azure/westeurope": "40 %"},
                "failover_shares": {"aws/us-east-1": {"azure/westeurope": "100 %"}},
                "limits": {"connect": "500ms"},
                "class": "pii",
            },
            {"tier": "economy", "models": ["claude"], "cap": "0.005 USD"},
            traffic={"limits": {"connect": "1s", "attempts": 2}},
            data_classes={"pii": {"stay_in": "eu"}},
        )
        first, second, rest = made.routes
        assert first.at == (0,)
        assert first.shares == {"aws/us-east-1": 60.0, "azure/westeurope": 40.0}
        assert first.failover_shares == {"aws/us-east-1": {"azure/westeurope": 100.0}}
        assert (first.limits.connect_seconds, first.limits.attempts, first.limits.idle_seconds) == (0.5, 2, 30.0)
        assert first.data_class == "pii"
        assert first.name == "route-1"
        assert (second.name, second.match, second.cap_micro_usd_per_1k) == ("economy", ("economy",), 5000)
        assert second.at is None
        assert (rest.match, rest.limits.connect_seconds, rest.limits.attempts) == (("*",), 1.0, 2)
        assert made.aliases == {"gpt": "gpt-4o"}
        assert made.models["gpt-4o"].equivalent == ("claude",)

    def test_a_pattern_of_sites_that_matches_none_allows_none(self) -> None:
        assert self.tables({"match": {"model": "*"}, "at": ["gcp/*"]}).routes[0].at == ()

    def test_teams_and_regions(self) -> None:
        made = self.tables(
            teams={"t": {"models": ["gpt-*"], "rate": "10/s", "region": "DE"}},
            onprem={"hall": {"country": "DE", "lat": 50.0, "lon": 8.0, "models_at": "http://h"}},
        )
        assert made.teams["t"].requests_per_minute == 600
        assert made.teams["t"].region == "DE"
        assert made.regions["onprem/hall"] == (50.0, 8.0)
        assert "DE" in made.regions

    def test_the_version_follows_the_content(self) -> None:
        assert self.tables().version == self.tables().version
        assert self.tables().version != self.tables(teams={"t": {}}).version


class TestRefusals:
    @pytest.mark.parametrize(
        ("deployment", "code"),
        [
            ({"at": "aws/ap-south-1", "model": "nova-lite"}, "site_unknown"),
            ({"at": "aws/us-east-1", "model": "claude-sonnet-4-6", "profile": "moon"}, "places_unknown"),
            (
                {
                    "at": "aws/us-east-1",
                    "upstream": "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
                },
                "places_unknown",
            ),
            (
                {
                    "at": "aws/us-east-1",
                    "upstream": "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abc",
                },
                "arn_elsewhere",
            ),
            ({"at": "azure/westeurope", "model": "codex-mini"}, "dialect_unsupported"),
            ({"at": "azure/westeurope", "model": "claude-opus-5-5", "profile": "datazone:eu"}, "profile_unknown"),
            ({"at": "azure/westeurope", "model": "claude-opus-5-5", "profile": "datazone"}, "profile_unknown"),
            ({"at": "azure/westeurope", "model": "claude-opus-5-5", "profile": "westeurope"}, "profile_unknown"),
            (
                {
                    "at": "azure/westeurope",
                    "model": "claude-opus-5-5",
                    "profile": "datazone:us",
                    "hosting": "anthropic",
                },
                "profile_unknown",
            ),
            ({"at": "azure/uksouth", "model": "claude-opus-5-5", "profile": "datazone"}, "places_unknown"),
            ({"at": "azure/westeurope", "model": "gpt-4o", "hosting": "azure"}, "hosting_unsupported"),
            ({"at": "gcp/europe-west1", "model": "claude-sonnet-4-6", "hosting": "azure"}, "hosting_unsupported"),
            (
                {
                    "at": "azure/westeurope",
                    "model": "gpt-4o",
                    "price": {"input": "1 EUR", "output": "1 EUR", "source": "x"},
                },
                "currency_unsupported",
            ),
            (
                {"at": "azure/westeurope", "model": "gpt-4o", "capacity": {"ptu": 5, "endpoint": "x"}},
                "endpoint_unsupported",
            ),
        ],
    )
    def test_deployment(self, deployment: dict[str, Any], code: str) -> None:
        assert code in refused(deployment)

    def test_all_at_once(self) -> None:
        found = refused(
            {"at": "aws/ap-south-1"},
            data_classes={"pii": {"stay_in": ["eurpoe"]}},
            teams={"t": {"classes": ["nope"]}},
            routes=[{"tier": "x", "models": ["ghost"]}],
            residency={"default_class": "ghost"},
        )
        assert set(found) == {"site_unknown", "place_unknown", "class_unknown", "model_unknown"}

    def test_a_hall_without_a_server(self) -> None:
        assert refused({"at": "onprem/hall"}, onprem={"hall": {"country": "DE"}}) == ["address_missing"]

    def test_a_model_stays_where_its_training_data_stays(self) -> None:
        models = {
            "tuned": {
                "trained_on": ["pii"],
                "deployments": [{"at": "aws/us-east-1", "model": "nova-lite"}, {"at": "azure/westeurope"}],
            }
        }
        assert refused(models=models, data_classes={"pii": {"stay_in": "eu"}}) == ["model_leaves"]

    def test_missing_project_and_compartment(self) -> None:
        clouds = {"gcp": {"sites": ["europe-west1"]}, "oci": {"sites": ["eu-frankfurt-1"]}}
        models = {
            "a": {"deployments": [{"at": "gcp/europe-west1", "model": "claude-sonnet-4-6"}]},
            "b": {"deployments": [{"at": "oci/eu-frankfurt-1", "model": "llama-3.3-70b-instruct"}]},
        }
        assert refused(clouds=clouds, models=models) == ["key_missing", "key_missing"]
        simulated = compile(estate(clouds=clouds, models=models, sandbox={"clouds": "all"}), CATALOG)
        assert simulated.deployments[0].upstream.options["project"]


@pytest.mark.parametrize(
    ("deployment", "known"),
    [
        ({"at": "azure/westeurope", "model": "gpt-5", "upstream": "bot"}, "gpt-5"),
        (
            {"at": "azure/westeurope", "model": "claude-opus-4-6", "upstream": "bot", "profile": "global"},
            "claude-opus-4-6",
        ),
        ({"at": "azure/westeurope", "model": "gpt-99", "upstream": "bot"}, "gpt-99"),
        ({"at": "azure/westeurope", "upstream": "bot"}, ""),
        ({"at": "azure/westeurope", "model": "gpt-5"}, ""),
    ],
)
def test_what_a_model_is_does_not_hang_on_what_people_call_it(deployment: dict[str, Any], known: str) -> None:
    made = one(deployment)
    assert made.upstream.known == known
    assert made.upstream.model == deployment.get("upstream", "gpt-5")


def test_claude_behind_an_arn_of_ones_own_can_what_claude_can() -> None:
    arn = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc"
    row = one({"at": "aws/eu-central-1", "model": "claude-sonnet-4-6", "upstream": arn, "profile": "eu"})
    assert (
        row.upstream.known == "anthropic.claude-sonnet-4-6" and row.can & Need.SERIAL_TOOLS and row.can & Need.REASONING
    )
