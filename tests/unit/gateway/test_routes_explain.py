"""Explanations: the choice's own verdicts, with every reason."""

from pathlib import Path

from polycloud.catalog import Catalog
from polycloud.core.chat import Need
from polycloud.estate import load
from polycloud.gateway.explain import Explanation, Verdict, explain
from polycloud.gateway.routes import Ask, View, choose
from polycloud.gateway.shares import Turns
from polycloud.policy.compile import compile
from polycloud.policy.overlay import Overlay, Steer
from polycloud.policy.tables import Compiled

SANDBOX = Path(__file__).parents[3] / "polycloud/app/examples/sandbox/estate.yaml"


def sandbox() -> Compiled:
    found = load(SANDBOX)
    assert found.estate is not None
    return Compiled(compile(found.estate, Catalog.load()))


TABLES = sandbox()


def verdict(found: Explanation, deployment: str) -> Verdict:
    return next(v for v in found.verdicts if v.deployment == deployment)


def test_same_order_and_costs_as_the_choice() -> None:
    view = View(TABLES)
    ask = Ask("gpt-4o", ("general",), input_tokens=1000, max_tokens=200)
    chosen = choose(TABLES, view, ask, Turns())
    found = explain(TABLES, view, ask)
    assert found.error == ""
    ordered = sorted((v for v in found.verdicts if v.order), key=lambda v: v.order or 0)
    assert [v.deployment for v in ordered] == [TABLES.deployments[c.index].id for c in chosen.order]
    assert ordered[0].expected_usd == "0.0045"
    assert {v.deployment for v in found.verdicts if v.eligible} == {v.deployment for v in ordered}
    assert any(v.equivalent for v in ordered)


def test_every_reason_is_given_and_not_the_first_alone() -> None:
    overlay = Overlay(3, sites={"azure/eastus": Steer("draining")})
    view = View(TABLES, overlay)
    found = explain(TABLES, view, Ask("gpt-4o", ("personal-eu",)))
    east = verdict(found, "azure/eastus/gpt-4o")
    assert not east.eligible
    assert any("must stay in eu" in r for r in east.reasons)
    assert any("drains" in r for r in east.reasons)
    assert found.overlay == 3
    assert verdict(found, "onprem/frankfurt/llama").reasons == ("does not serve 'gpt-4o'",)
    assert set(found.refused) == {v.deployment for v in found.verdicts if not v.eligible}


def test_a_refusal_is_part_of_the_answer() -> None:
    found = explain(TABLES, View(TABLES), Ask("gpt-4o", ("secret-de",)))
    assert found.error == "policy_denied"
    assert "secret-de" in found.message
    assert not any(v.eligible for v in found.verdicts)
    assert all(v.reasons for v in found.verdicts)
    unknown = explain(TABLES, View(TABLES), Ask("gpt-5o"))
    assert unknown.error == "model_unknown"


def test_key_and_size_and_cap_are_reasons() -> None:
    denied = explain(TABLES, View(TABLES), Ask("gpt-4o", model_patterns=(("claude-*",),)))
    assert denied.error == "policy_denied"
    assert "claude-*" in verdict(denied, "azure/eastus/gpt-4o").reasons[0]
    big = explain(TABLES, View(TABLES), Ask("gpt-4o", input_tokens=400_000))
    assert any("window" in r for r in verdict(big, "azure/eastus/gpt-4o").reasons)
    capped = explain(TABLES, View(TABLES), Ask("economy", max_tokens=3000))
    assert capped.error == ""
    dear = explain(TABLES, View(TABLES), Ask("premium", max_tokens=3000))
    assert dear.route == "premium"


def test_images_go_only_where_the_callers_format_is_spoken() -> None:
    ask = Ask("claude-sonnet", needs=int(Need.IMAGES), face="anthropic_messages")
    chosen = choose(TABLES, View(TABLES), ask, Turns())
    assert {TABLES.deployments[c.index].upstream.dialect for c in chosen.order} == {"anthropic_messages"}
    foreign = explain(TABLES, View(TABLES), Ask("gemini-flash", needs=int(Need.IMAGES), face="openai_chat"))
    assert foreign.error == "unsupported"
    assert any("another format" in r for r in verdict(foreign, "gcp/us-central1/gemini-flash").reasons)


def test_the_last_resort_is_told() -> None:
    ask = Ask("llama", ("secret-de",))
    only = TABLES.deployment_masks["onprem/frankfurt/llama"]
    broken = explain(TABLES, View(TABLES, open_breakers=only), ask)
    assert (
        broken.error == "provider_unavailable" and "workers try onprem/frankfurt/llama all the same" in broken.message
    )
    down = explain(TABLES, View(TABLES, down=["onprem/frankfurt/llama"]), ask)
    assert "all the same" in down.message
    for held in (View(TABLES, cooling=only), View(TABLES, Overlay(3, sites={"onprem/frankfurt": Steer("draining")}))):
        found = explain(TABLES, held, ask)
        assert found.error and "all the same" not in found.message
