"""The choice: rules, order, shares, fall back, and errors that say what to do."""

from collections import Counter
from typing import ClassVar

import msgspec
import pytest

from polycloud.core.chat import Need
from polycloud.core.errors import (
    BadRequest,
    ContextTooLong,
    ModelUnknown,
    PolicyDenied,
    PolycloudError,
    Unavailable,
    Unsupported,
)
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Upstream
from polycloud.gateway.explain import explain
from polycloud.gateway.routes import (
    Ask,
    Choice,
    Cooling,
    OutOfService,
    View,
    caller_region,
    choose,
    effective_classes,
    route_for,
)
from polycloud.gateway.shares import TURNS_MAX, Turns
from polycloud.policy.overlay import Overlay, Steer
from polycloud.policy.tables import Compiled, DataClass, Deployment, Model, Route, Tables

ALL = int(~Need(0))
DOLLAR = 1_000_000
PLACES = {
    "aws/us-east-1": (38.9, -77.4),
    "aws/eu-west-1": (53.3, -6.3),
    "azure/westeurope": (52.4, 4.9),
    "gcp/europe-west1": (50.4, 3.8),
    "gcp/us-central1": (41.3, -95.9),
}


def deployment(
    site: str, model: str, price: tuple[int, int] | None = (DOLLAR, DOLLAR), *, can: int = ALL, **more: object
) -> Deployment:
    cloud, region = site.split("/")
    latitude, longitude = PLACES.get(site, (None, None))
    return Deployment(
        id=f"{site}/{model}",
        site=site,
        cloud=cloud,
        model=model,
        adapter=cloud,
        upstream=Upstream(cloud, region, "http://127.0.0.1:1", model, "openai_chat"),
        places=more.pop("places", (site,)),  # type: ignore[arg-type]
        can=can,
        price=TokenPrice() if price is None else TokenPrice(*price),
        latitude=latitude,
        longitude=longitude,
        **more,  # type: ignore[arg-type]
    )


def compiled(deployments: list[Deployment], **more: object) -> Compiled:
    extra: dict[str, dict[str, object]] = more.pop("models", {})  # type: ignore[assignment]
    names = dict.fromkeys(d.model for d in deployments)
    models = {
        n: Model(n, tuple(i for i, d in enumerate(deployments) if d.model == n), **extra.get(n, {}))  # type: ignore[arg-type]
        for n in names
    }
    classes: dict[str, tuple[int, ...]] = more.pop("classes", {})  # type: ignore[assignment]
    fields: dict[str, object] = {
        "aliases": {},
        "routes": (),
        "default_class": "",
        "teams": {},
        "regions": PLACES,
        **more,
    }
    return Compiled(
        Tables(
            estate="test",
            version="v1",
            deployments=tuple(deployments),
            models=models,
            classes={n: DataClass(n, a, f"must stay where {n} says") for n, a in classes.items()},
            **fields,  # type: ignore[arg-type]
        )
    )


def ids(found: Choice, tables: Compiled) -> list[str]:
    return [tables.deployments[c.index].id for c in found.order]


def ask_for(tables: Compiled, model: str, view: View | None = None, **more: object) -> list[str]:
    ask = Ask(model, **more)  # type: ignore[arg-type]
    return ids(choose(tables, view or View(tables), ask, Turns()), tables)


def error(tables: Compiled, model: str, view: View | None = None, **more: object) -> PolycloudError:
    with pytest.raises(PolycloudError) as caught:
        ask_for(tables, model, view, **more)
    return caught.value


THREE = [
    deployment("aws/us-east-1", "gpt", (3 * DOLLAR, 9 * DOLLAR)),
    deployment("azure/westeurope", "gpt", (2 * DOLLAR, 8 * DOLLAR)),
    deployment("gcp/us-central1", "gpt", None),
]


class TestOrder:
    def test_cheapest_first_and_unknown_price_last(self) -> None:
        found = ask_for(compiled(THREE), "gpt", input_tokens=100)
        assert found == ["azure/westeurope/gpt", "aws/us-east-1/gpt", "gcp/us-central1/gpt"]

    def test_a_free_deployment_is_the_cheapest(self) -> None:
        tables = compiled([*THREE, deployment("onprem/hall", "gpt", (0, 0))])
        assert ask_for(tables, "gpt")[0] == "onprem/hall/gpt"

    def test_cost_is_that_of_the_request(self) -> None:
        tables = compiled(
            [
                deployment("aws/us-east-1", "gpt", (1 * DOLLAR, 20 * DOLLAR)),
                deployment("gcp/us-central1", "gpt", (5 * DOLLAR, 5 * DOLLAR)),
            ]
        )
        assert ask_for(tables, "gpt", input_tokens=10_000, max_tokens=10)[0] == "aws/us-east-1/gpt"
        assert ask_for(tables, "gpt", input_tokens=10, max_tokens=1000)[0] == "gcp/us-central1/gpt"

    def test_expected_cost_is_exact(self) -> None:
        tables = compiled(THREE[:1])
        found = choose(tables, View(tables), Ask("gpt", input_tokens=100, max_tokens=10), Turns())
        assert found.order[0].expected_pico_usd == 100 * 3 * DOLLAR + 10 * 9 * DOLLAR

    def test_nearest_first_from_a_site(self) -> None:
        tables = compiled(THREE, routes=(Route("near", ("*",), prefer="near"),))
        assert ask_for(tables, "gpt", region="gcp/europe-west1")[0] == "azure/westeurope/gpt"
        assert ask_for(tables, "gpt", region="aws/us-east-1")[:2] == ["aws/us-east-1/gpt", "gcp/us-central1/gpt"]

    def test_near_without_a_known_region_is_by_cost(self) -> None:
        tables = compiled(THREE, routes=(Route("near", ("*",), prefer="near"),))
        assert ask_for(tables, "gpt", region="AQ")[0] == "azure/westeurope/gpt"

    def test_equal_cost_goes_to_the_nearer(self) -> None:
        tables = compiled([deployment("aws/us-east-1", "gpt"), deployment("aws/eu-west-1", "gpt")])
        assert ask_for(tables, "gpt", region="azure/westeurope")[0] == "aws/eu-west-1/gpt"
        assert ask_for(tables, "gpt")[0] == "aws/us-east-1/gpt"

    def test_order_is_the_estates(self) -> None:
        tables = compiled(THREE, routes=(Route("o", ("*",), prefer="order"),))
        assert ask_for(tables, "gpt") == [d.id for d in THREE]


class TestNames:
    def test_alias_and_route_by_alias(self) -> None:
        routes = (Route("by-alias", ("smart",), at=(1,)), Route("rest", ("*",)))
        tables = compiled(THREE, aliases={"smart": "gpt"}, routes=routes)
        assert ask_for(tables, "smart") == ["azure/westeurope/gpt"]
        assert len(ask_for(tables, "gpt")) == 3

    def test_first_matching_route_wins(self) -> None:
        routes = (Route("a", ("g*",), at=(0,)), Route("b", ("gpt",), at=(1,)))
        assert ask_for(compiled(THREE, routes=routes), "gpt") == ["aws/us-east-1/gpt"]

    def test_a_route_at_no_deployment_allows_none(self) -> None:
        failure = error(compiled(THREE, routes=(Route("nowhere", ("*",), at=()),)), "gpt")
        assert isinstance(failure, PolicyDenied)
        assert "nowhere" in failure.message

    def test_unknown_model_suggests_only_what_the_key_may_see(self) -> None:
        tables = compiled([*THREE, deployment("aws/us-east-1", "gpx-secret")])
        failure = error(tables, "gptt", model_patterns=(("gpt",),))
        assert isinstance(failure, ModelUnknown)
        assert "did you mean gpt?" in failure.message
        assert "secret" not in failure.message

    def test_a_key_that_may_not_is_told_what_it_may(self) -> None:
        failure = error(compiled(THREE), "gpt", model_patterns=(("claude-*", "economy"),))
        assert isinstance(failure, PolicyDenied)
        assert "claude-*, economy" in failure.message

    def test_key_and_team_must_both_allow(self) -> None:
        tables = compiled(THREE)
        assert ask_for(tables, "gpt", model_patterns=(("*",), ("gpt",)))
        assert isinstance(error(tables, "gpt", model_patterns=(("*",), ("claude",))), PolicyDenied)

    def test_a_mistyped_name_under_a_capped_wildcard_is_no_tier(self) -> None:
        tables = compiled(THREE, routes=(Route("r", ("gp*",), cap_micro_usd_per_1k=DOLLAR),))
        assert isinstance(error(tables, "gpt5"), ModelUnknown)


class TestTiers:
    DEPLOYMENTS = (
        deployment("aws/us-east-1", "small", (DOLLAR, DOLLAR)),
        deployment("azure/westeurope", "big", (10 * DOLLAR, 30 * DOLLAR)),
        deployment("gcp/us-central1", "mystery", None),
    )

    def tables(self, **route: object) -> Compiled:
        quality = {"small": {"quality": 0.4}, "big": {"quality": 0.9}}
        tier = Route("tier", ("economy",), **route)  # type: ignore[arg-type]
        return compiled(list(self.DEPLOYMENTS), routes=(tier,), models=quality)

    def test_members_by_cost_and_never_marked_equivalent(self) -> None:
        tables = self.tables(models=("big", "small"))
        found = choose(tables, View(tables), Ask("economy"), Turns())
        assert ids(found, tables) == ["aws/us-east-1/small", "azure/westeurope/big"]
        assert not any(c.equivalent for c in found.order)

    def test_cap_leaves_out_dear_and_unknown(self) -> None:
        tables = self.tables(models=("mystery", "big", "small"), cap_micro_usd_per_1k=5000)
        assert ask_for(tables, "economy", input_tokens=100) == ["aws/us-east-1/small"]

    def test_cap_counts_the_tokens_of_the_request(self) -> None:
        tables = self.tables(models=("big",), cap_micro_usd_per_1k=15_000)
        assert ask_for(tables, "economy", input_tokens=9000, max_tokens=1000)
        failure = error(tables, "economy", input_tokens=100, max_tokens=1000)
        assert isinstance(failure, PolicyDenied)
        assert "cap" in failure.message

    def test_quality_floor_makes_a_tier_and_unknown_quality_does_not_reach_it(self) -> None:
        assert ask_for(self.tables(quality_floor=0.5), "economy") == ["azure/westeurope/big"]
        assert isinstance(error(self.tables(quality_floor=0.95), "economy"), PolicyDenied)

    def test_a_key_allowed_the_tier_is_allowed_its_members(self) -> None:
        tables = self.tables(models=("small",))
        assert ask_for(tables, "economy", model_patterns=(("economy",),)) == ["aws/us-east-1/small"]


class TestFallback:
    DEPLOYMENTS = (
        deployment("aws/us-east-1", "gpt", (3 * DOLLAR, DOLLAR)),
        deployment("azure/westeurope", "gpt", (2 * DOLLAR, DOLLAR)),
        deployment("gcp/us-central1", "claude", (DOLLAR, DOLLAR)),
    )

    def tables(self, **route: object) -> Compiled:
        return compiled(
            list(self.DEPLOYMENTS),
            models={"gpt": {"equivalent": ("claude",)}},
            routes=(Route("r", ("*",), **route),),  # type: ignore[arg-type]
        )

    def test_none_tries_one(self) -> None:
        assert ask_for(self.tables(fallback="none"), "gpt") == ["azure/westeurope/gpt"]

    def test_same_model_only(self) -> None:
        assert len(ask_for(self.tables(), "gpt")) == 2

    def test_equivalent_comes_last_though_cheaper_and_is_marked(self) -> None:
        tables = self.tables(fallback="equivalent")
        found = choose(tables, View(tables), Ask("gpt"), Turns())
        assert ids(found, tables) == ["azure/westeurope/gpt", "aws/us-east-1/gpt", "gcp/us-central1/claude"]
        assert [c.equivalent for c in found.order] == [False, False, True]

    def test_equivalent_alone_when_the_model_is_down(self) -> None:
        tables = self.tables(fallback="equivalent")
        view = View(tables, down=["aws/us-east-1/gpt", "azure/westeurope/gpt"])
        assert ask_for(tables, "gpt", view) == ["gcp/us-central1/claude"]

    def test_a_key_without_the_equivalent_never_gets_it(self) -> None:
        tables = self.tables(fallback="equivalent")
        assert len(ask_for(tables, "gpt", model_patterns=(("gpt",),))) == 2


class TestNeeds:
    WEAK = int(Need.TOOLS | Need.STREAM)

    def tables(self, unsupported: str, **route: object) -> Compiled:
        return compiled(
            [
                deployment("aws/us-east-1", "gpt", (1, 1), can=self.WEAK),
                deployment("azure/westeurope", "gpt", (DOLLAR, DOLLAR)),
            ],
            routes=(Route("r", ("*",), unsupported=unsupported, **route),),  # type: ignore[arg-type]
        )

    def test_reroute_takes_only_who_can(self) -> None:
        assert ask_for(self.tables("reroute"), "gpt", needs=int(Need.SEED)) == ["azure/westeurope/gpt"]

    def test_degrade_puts_who_can_first_and_names_what_is_missing(self) -> None:
        tables = self.tables("degrade")
        found = choose(tables, View(tables), Ask("gpt", needs=int(Need.SEED | Need.TOOLS)), Turns())
        assert ids(found, tables) == ["azure/westeurope/gpt", "aws/us-east-1/gpt"]
        assert [c.missing for c in found.order] == [0, Need.SEED]

    def test_degrade_never_drops_an_image(self) -> None:
        tables = self.tables("degrade")
        assert ask_for(tables, "gpt", needs=int(Need.IMAGES)) == ["azure/westeurope/gpt"]

    def test_refuse_when_the_first_by_order_can_not(self) -> None:
        failure = error(self.tables("refuse"), "gpt", needs=int(Need.SEED))
        assert isinstance(failure, Unsupported)
        assert "seed" in failure.message
        assert ask_for(self.tables("refuse"), "gpt", needs=self.WEAK)[0] == "aws/us-east-1/gpt"

    def test_refuse_never_falls_back_to_one_that_can_not(self) -> None:
        tables = self.tables("refuse", prefer="order")
        view = View(tables, down=["aws/us-east-1/gpt"])
        assert ask_for(tables, "gpt", view, needs=int(Need.SEED)) == ["azure/westeurope/gpt"]

    @pytest.mark.parametrize("unsupported", ["reroute", "degrade", "refuse"])
    def test_images_stay_in_the_callers_format(self, unsupported: str) -> None:
        tables = self.tables(unsupported, prefer="order")
        view = View(tables, down=["aws/us-east-1/gpt"])
        assert ask_for(tables, "gpt", view, needs=int(Need.IMAGES), face="openai_chat")
        assert isinstance(error(tables, "gpt", view, needs=int(Need.IMAGES), face="anthropic_messages"), Unsupported)

    @pytest.mark.parametrize("need", [Need.MULTIPLE, Need.LOGPROBS])
    def test_what_only_an_untouched_answer_carries_goes_to_nobody_who_degrades(self, need: Need) -> None:
        rows = [
            deployment("aws/us-east-1", "m", (1, 1), can=ALL & ~Need.SEED, max_output_tokens=9000),
            deployment("azure/westeurope", "m", (2, 2), max_output_tokens=1000),
        ]
        tables = compiled(rows, routes=(Route("all", ("*",), unsupported="degrade"),))
        asked = {"needs": int(need | Need.SEED), "face": "openai_chat", "max_tokens": 500}
        assert ask_for(tables, "m", **asked) == ["azure/westeurope/m"]
        told = explain(tables, View(tables), Ask("m", **asked))  # type: ignore[arg-type]
        assert "seed" in told.refused["aws/us-east-1/m"]
        alone = compiled(rows[:1], routes=tables.tables.routes)
        assert isinstance(error(alone, "m", **asked), Unsupported)
        assert ask_for(tables, "m", **asked | {"max_tokens": 5000}) == ["azure/westeurope/m"]  # a lowered bound passes
        assert ask_for(alone, "m", **asked | {"needs": int(need)}) == ["aws/us-east-1/m"]

    def test_a_caller_who_wrote_n_reads_n(self) -> None:
        tables = compiled([deployment("aws/us-east-1", "gpt", can=ALL & ~Need.MULTIPLE)])
        assert "multiple answers (n > 1)" in error(tables, "gpt", needs=int(Need.MULTIPLE)).message

    def test_nobody_can(self) -> None:
        tables = compiled([deployment("aws/us-east-1", "gpt", can=self.WEAK)])
        failure = error(tables, "gpt", needs=int(Need.LOGPROBS | Need.SEED))
        assert isinstance(failure, Unsupported)
        assert "seed" in failure.message
        assert "logprobs" in failure.message


class TestSizes:
    def test_a_window_clearly_too_small_is_skipped(self) -> None:
        tables = compiled(
            [
                deployment("aws/us-east-1", "gpt", (1, 1), context_tokens=8000),
                deployment("azure/westeurope", "gpt", context_tokens=100_000),
            ]
        )
        assert len(ask_for(tables, "gpt", input_tokens=10_000)) == 2, "within the error of the estimate"
        assert ask_for(tables, "gpt", input_tokens=13_000) == ["azure/westeurope/gpt"]
        failure = error(tables, "gpt", input_tokens=1_000_000)
        assert isinstance(failure, ContextTooLong)
        assert failure.status == 400

    def test_a_route_that_degrades_lowers_the_bound_when_no_model_has_a_higher_one(self) -> None:
        rows = [
            deployment("aws/us-east-1", "m", max_output_tokens=1000),
            deployment("aws/eu-west-1", "m", (2 * DOLLAR, 2 * DOLLAR), max_output_tokens=4000),
        ]
        tables = compiled(rows, routes=(Route("all", ("*",), unsupported="degrade"),))

        def order(most: int, **more: object) -> list[tuple[int, int]]:
            ask = Ask("m", input_tokens=100, max_tokens=most, **more)  # type: ignore[arg-type]
            return [(c.index, c.output_max) for c in choose(tables, View(tables), ask, Turns()).order]

        assert order(500) == [(0, 0), (1, 0)]
        assert order(2000) == [(1, 0), (0, 1000)]  # the larger one first, though it costs more
        assert order(9000) == [(0, 1000), (1, 4000)]
        lowered = choose(tables, View(tables), Ask("m", input_tokens=100, max_tokens=9000), Turns()).order[0]
        assert lowered.expected_pico_usd == DOLLAR * (100 + 1000)
        told = explain(tables, View(tables), Ask("m", input_tokens=100, max_tokens=9000))
        assert [v.degraded for v in told.verdicts] == [("max_tokens:1000",), ("max_tokens:4000",)]
        assert all(not v.reasons for v in told.verdicts)
        with pytest.raises(ContextTooLong):
            narrow = compiled(
                [deployment("aws/us-east-1", "m", context_tokens=1050, max_output_tokens=1000)],
                routes=(Route("all", ("*",), unsupported="degrade"),),
            )
            choose(narrow, View(narrow), Ask("m", input_tokens=300, max_tokens=9000), Turns())

    def test_a_lowered_bound_counts_for_the_cap_as_it_is_sent(self) -> None:
        rows = [
            deployment("aws/us-east-1", "m", (0, 8 * DOLLAR), max_output_tokens=1000),
            deployment("aws/eu-west-1", "m", (0, DOLLAR), max_output_tokens=1000),
        ]
        route = Route("all", ("*",), unsupported="degrade", cap_micro_usd_per_1k=2_000)
        tables = compiled(rows, routes=(route,))
        for most in (1000, 9000):
            assert ask_for(tables, "m", max_tokens=most) == ["aws/eu-west-1/m"], most
            told = explain(tables, View(tables), Ask("m", max_tokens=most))
            assert "cap" in told.refused["aws/us-east-1/m"]
        dear = compiled(rows[:1], routes=(route,))
        assert isinstance(error(dear, "m", max_tokens=9000), PolicyDenied)

    @pytest.mark.parametrize("bound", [{"context_tokens": 8000}, {"max_output_tokens": 100}])
    def test_who_fits_and_is_out_of_service_is_what_is_wrong(self, bound: dict[str, int]) -> None:
        tables = compiled([deployment("aws/us-east-1", "m", **bound), deployment("azure/westeurope", "m")])
        ask = {"input_tokens": 50_000, "max_tokens": 200}
        away = error(tables, "m", View(tables, open_breakers=0b10), **ask)
        assert type(away) is OutOfService and "azure/westeurope/m" in away.message and "aws" not in away.message
        cooling = error(tables, "m", View(tables, cooling=0b10), **ask)
        assert isinstance(cooling, Cooling) and cooling.deployments == ("azure/westeurope/m",)
        alone = compiled([deployment("aws/us-east-1", "m", **bound)])
        assert isinstance(error(alone, "m", **ask), ContextTooLong)

    def test_who_is_under_the_cap_and_out_of_service_is_what_is_wrong(self) -> None:
        rows = [deployment("aws/us-east-1", "m", (9 * DOLLAR, 9 * DOLLAR)), deployment("azure/westeurope", "m")]
        tables = compiled(rows, routes=(Route("all", ("*",), cap_micro_usd_per_1k=2_000),))
        found = error(tables, "m", View(tables, down=["azure/westeurope/m"]))
        assert type(found) is OutOfService and "health checks" in found.message
        assert isinstance(error(compiled(rows[:1], routes=tables.tables.routes), "m"), PolicyDenied)

    def test_an_output_limit_under_max_tokens_is_skipped(self) -> None:
        tables = compiled(
            [
                deployment("aws/us-east-1", "gpt", (1, 1), max_output_tokens=4096),
                deployment("azure/westeurope", "gpt", max_output_tokens=16_384),
            ]
        )
        assert ask_for(tables, "gpt", max_tokens=8000) == ["azure/westeurope/gpt"]


class TestResidency:
    CLASSES: ClassVar = {"eu": (1,), "us": (0, 2), "any": (0, 1, 2)}

    def test_all_classes_hold(self) -> None:
        tables = compiled(THREE, classes=self.CLASSES)
        assert ask_for(tables, "gpt", classes=("eu",)) == ["azure/westeurope/gpt"]
        assert ask_for(tables, "gpt", classes=("any", "eu")) == ["azure/westeurope/gpt"]

    def test_contradiction_names_the_rules(self) -> None:
        failure = error(compiled(THREE, classes=self.CLASSES), "gpt", classes=("eu", "us"))
        assert isinstance(failure, PolicyDenied)
        assert failure.status == 403
        assert "must stay where eu says" in failure.message
        assert "must stay where us says" in failure.message

    def test_residency_is_named_before_health(self) -> None:
        tables = compiled(THREE[:1], classes={"eu": ()})
        assert isinstance(error(tables, "gpt", View(tables, down=[THREE[0].id]), classes=("eu",)), PolicyDenied)

    def test_a_class_that_the_tables_lost_allows_nothing(self) -> None:
        assert isinstance(error(compiled(THREE), "gpt", classes=("gone",)), PolicyDenied)


class TestHealth:
    def test_every_cause_takes_out_and_is_named(self) -> None:
        tables = compiled([*THREE, deployment("aws/eu-west-1", "gpt")])
        overlay = Overlay(
            4,
            sites={"aws/us-east-1": Steer("draining"), "no/such": Steer("failed")},
            deployments={"azure/westeurope/gpt": Steer("failed")},
        )
        view = View(tables, overlay, down=["gcp/us-central1/gpt", "unknown"], open_breakers=0b1000)
        failure = error(tables, "gpt", view)
        assert isinstance(failure, Unavailable)
        for word in ("drains it", "has failed", "health checks", "circuit breaker"):
            assert word in failure.message

    def test_one_left_serves(self) -> None:
        tables = compiled(THREE)
        assert ask_for(tables, "gpt", View(tables, open_breakers=0b011)) == ["gcp/us-central1/gpt"]

    def test_all_that_is_left_is_throttled(self) -> None:
        tables = compiled([deployment("aws/us-east-1", "m"), deployment("azure/westeurope", "m")])
        found = error(tables, "m", View(tables, open_breakers=1, cooling=2))
        assert isinstance(found, Cooling) and (found.status, found.code) == (429, "provider_throttled")
        assert found.deployments == ("azure/westeurope/m",) and "breaker" in found.message
        assert ask_for(tables, "m", View(tables, cooling=2)) == ["aws/us-east-1/m"]

    def test_what_is_throttled_and_failed_besides_is_not_in_service(self) -> None:
        tables = compiled([deployment("aws/us-east-1", "m")])
        failed = Overlay(1, {"aws/us-east-1": Steer("failed")})
        assert type(error(tables, "m", View(tables, failed, cooling=1))) is OutOfService

    def test_a_view_of_other_tables_is_refused(self) -> None:
        with pytest.raises(ValueError, match="other tables"):
            choose(compiled(THREE), View(compiled(THREE)), Ask("gpt"), Turns())


class TestShares:
    SITES = ("aws/us-east-1", "gcp/us-central1", "azure/westeurope")
    SHARES: ClassVar = dict(zip(SITES, (40.0, 35.0, 25.0), strict=True))

    def picks(self, tables: Compiled, view: View, count: int, **ask: object) -> Counter[str]:
        turns = Turns()
        request = Ask("gpt", **ask)  # type: ignore[arg-type]
        return Counter(
            tables.deployments[choose(tables, view, request, turns).order[0].index].site for _ in range(count)
        )

    def tables(self, **route: object) -> Compiled:
        return compiled(
            [deployment(s, "gpt", (i + 1, 1)) for i, s in enumerate(self.SITES)],
            classes={"out-of-aws": (1, 2)},
            routes=(Route("r", ("*",), shares=self.SHARES, **route),),  # type: ignore[arg-type]
        )

    def test_exact_proportions(self) -> None:
        tables = self.tables()
        assert self.picks(tables, View(tables), 10_000) == dict(zip(self.SITES, (4000, 3500, 2500), strict=True))

    def test_lost_site_renormalises_in_proportion(self) -> None:
        tables = self.tables()
        found = self.picks(tables, View(tables, down=["aws/us-east-1/gpt"]), 12_000)
        assert found == {"gcp/us-central1": 7000, "azure/westeurope": 5000}

    def test_declared_failover_shares_hold(self) -> None:
        tables = self.tables(failover_shares={"aws/us-east-1": {"gcp/us-central1": 60.0, "azure/westeurope": 40.0}})
        lost = View(tables, Overlay(1, sites={"aws/us-east-1": Steer("failed")}))
        assert self.picks(tables, lost, 10_000) == {"gcp/us-central1": 6000, "azure/westeurope": 4000}
        assert self.picks(tables, View(tables), 10_000, classes=("out-of-aws",)) == {
            "gcp/us-central1": 6000,
            "azure/westeurope": 4000,
        }
        whole = self.picks(tables, View(tables), 10_000)
        assert whole["aws/us-east-1"] == 4000

    def test_two_lost_keep_the_declared_rest(self) -> None:
        tables = self.tables(failover_shares={"aws/us-east-1": {"gcp/us-central1": 60.0, "azure/westeurope": 40.0}})
        lost = View(tables, down=["aws/us-east-1/gpt", "gcp/us-central1/gpt"])
        assert self.picks(tables, lost, 10) == {"azure/westeurope": 10}

    def test_the_overlay_overrides_a_share(self) -> None:
        tables = self.tables()
        view = View(tables, Overlay(1, sites={"aws/us-east-1": Steer(share=0.0)}))
        assert self.picks(tables, view, 12) == {"gcp/us-central1": 7, "azure/westeurope": 5}

    def test_the_overlay_moves_a_part_on_a_route_without_shares(self) -> None:
        tables = compiled([deployment(s, "gpt", (i + 1, 1)) for i, s in enumerate(self.SITES)])
        view = View(tables, Overlay(1, sites={"azure/westeurope": Steer(share=10.0)}))
        assert self.picks(tables, view, 100) == {"aws/us-east-1": 90, "azure/westeurope": 10}

    def test_the_others_follow_by_share_and_turns_are_bounded(self) -> None:
        tables = self.tables()
        turns = Turns()
        assert ids(choose(tables, View(tables), Ask("gpt"), turns), tables) == [
            "aws/us-east-1/gpt",
            "gcp/us-central1/gpt",
            "azure/westeurope/gpt",
        ]
        second = ids(choose(tables, View(tables), Ask("gpt"), turns), tables)
        assert second == ["gcp/us-central1/gpt", "aws/us-east-1/gpt", "azure/westeurope/gpt"]
        for n in range(TURNS_MAX + 10):
            turns.pick((str(n), (("a", 1),)))
        assert len(turns._earned) <= TURNS_MAX

    def test_a_deployments_own_share_comes_before_its_sites(self) -> None:
        bought = msgspec.structs.replace(deployment("aws/us-east-1", "gpt"), id="aws/us-east-1/gpt#2")
        shares = {"aws/us-east-1": 30.0, bought.id: 70.0}
        tables = compiled([deployment("aws/us-east-1", "gpt"), bought], routes=(Route("r", ("*",), shares=shares),))
        turns = Turns()
        found = Counter(choose(tables, View(tables), Ask("gpt"), turns).order[0].index for _ in range(100))
        assert found == {0: 30, 1: 70}


class TestClasses:
    TABLES = compiled(THREE, classes={"eu": (1,), "us": (0,), "any": (0, 1, 2)}, default_class="eu").tables

    def test_all_add_up_once(self) -> None:
        assert effective_classes(self.TABLES, ("us",), ("any", "us"), "eu", None) == ("us", "any", "eu")

    def test_absent_takes_the_default(self) -> None:
        assert effective_classes(self.TABLES, (), (), "", None) == ("eu",)

    def test_a_header_adds_and_does_not_replace_the_default(self) -> None:
        assert effective_classes(self.TABLES, (), (), "", "any") == ("eu", "any")
        assert effective_classes(self.TABLES, ("us",), (), "", "any, eu") == ("us", "any", "eu")

    def test_an_unknown_header_lists_the_known(self) -> None:
        with pytest.raises(BadRequest, match="any, eu, us"):
            effective_classes(self.TABLES, (), (), "", "secret")

    @pytest.mark.parametrize("header", ["", " ", ",", "a,", ",a", "a,,b"])
    def test_a_header_that_lacks_a_name_is_refused(self, header: str) -> None:
        tables = compiled([deployment("aws/us-east-1", "m")], classes=dict.fromkeys("ab", (0,)))
        with pytest.raises(BadRequest, match="x-polycloud-class"):
            effective_classes(tables.tables, ("a",), (), "", header)

    def test_route_for_gives_the_class_of_the_route(self) -> None:
        tables = compiled(THREE, routes=(Route("r", ("gpt*",), data_class="eu"),))
        assert route_for(tables, "gpt").data_class == "eu"
        assert route_for(tables, "other").data_class == ""


def test_callers_region_from_header_key_or_team() -> None:
    tables = compiled(THREE).tables
    assert caller_region(tables, "aws/eu-west-1", "DE") == "aws/eu-west-1"
    assert caller_region(tables, "de", "FR") == "DE"
    assert caller_region(tables, None, "", "FR") == "FR"
    with pytest.raises(BadRequest):
        caller_region(tables, "aws/nowhere-9")
