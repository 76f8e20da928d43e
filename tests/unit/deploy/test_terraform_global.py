"""What spans clouds as text: the public name under residency, OpenBao over clouds, links with both their ends."""

import re
from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint, Cluster, Edge, EdgePool, Key, Link, Network, Where
from polycloud.deploy.render import cloudflare, kubernetes, terraform_global, vault
from polycloud.deploy.render.vault import seal, sealing, server, voters

RENDER, INSIDE = (renderers()[f"terraform/{name}"] for name in ("global", "vault"))
HOSTILE = st.text(alphabet='a${}%"\\\n.#_-', min_size=1, max_size=20)
SITES = {
    "aws/eu-west-1": (53.3, -6.3),
    "aws/us-east-1": (38.9, -77.4),
    "azure/westeurope": (52.4, 4.9),
    "gcp/asia-east1": (24.1, 120.5),
    "gcp/europe-west1": (50.4, 3.8),
    "oci/eu-frankfurt-1": (50.1, 8.7),
}
replace = msgspec.structs.replace


def where(id: str) -> Where:
    cloud, _, region = id.partition("/")
    return Where(id, cloud, region, "", *SITES[id])


def clusters(*ids: str) -> tuple[Cluster, ...]:
    return tuple(Cluster(id.replace("/", "-"), where(id), "1.35", ()) for id in sorted(ids))


def keys(*ids: str) -> tuple[Key, ...]:
    return tuple(Key("data", where(id), 90, False) for id in sorted(ids))


POOLS = (
    EdgePool("america", ("aws-us-east-1",), ("europe", "asia")),
    EdgePool("asia", ("gcp-asia-east1",), ("america",)),
    EdgePool("europe", ("aws-eu-west-1", "azure-westeurope"), ("america",)),
)
EDGE = Edge("ai.example", "cloudflare", POOLS, 3600, "/healthz", (("DE", ("europe",)), ("CH", ())))
PLAIN = replace(EDGE, confined=())
WHOLE = Blueprint(
    "x",
    "production",
    {"gcp": {"project": "p"}},
    clusters=clusters(*SITES),
    keys=keys(*SITES),
    edge=EDGE,
    secrets=("db-password",),
)


def text(name: str, blueprint: Blueprint = WHOLE) -> str:
    return RENDER(blueprint).files[f"terraform/global/{name}"]


def pool_lists(kind: str, found: str) -> dict[str, list[str]]:
    body = re.search(rf"  {kind} = \{{\n(.*?)\n  \}}", found, re.S)
    assert body is not None, kind
    entries = re.split(r"\n    (?=[A-Z])", body[1].strip())
    return {one.split()[0]: re.findall(r"load_balancer_pool\.(\w+)\.id", one) for one in entries}


def test_the_same_estate_gives_the_same_bytes_and_what_spans_nothing_gives_nothing() -> None:
    assert RENDER(WHOLE) == RENDER(WHOLE)
    assert RENDER(replace(WHOLE, clusters=clusters("aws/eu-west-1"), edge=None)).files == {}


def test_a_confined_country_never_gets_a_pool_outside() -> None:
    found = text("edge.tf")
    assert pool_lists("country_pools", found) == {"CH": ["closed"], "DE": ["pool_europe"]}
    assert re.search(r"fallback_pool +=? *cloudflare_load_balancer_pool\.closed\.id", found)
    assert 'steering_policy = "geo"' in found
    assert 'address = "192.0.2.1"' in found


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["DE", "FR", "US", "JP"]), st.sets(st.sampled_from(["america", "asia", "europe"])))
    )
)
def test_whoever_is_confined_is_confined_to_what_the_edge_says(confined: list[tuple[str, set[str]]]) -> None:
    edge = replace(
        EDGE, confined=tuple({country: (country, tuple(sorted(pools))) for country, pools in confined}.values())
    )
    found = text("edge.tf", replace(WHOLE, edge=edge))
    if not edge.confined:
        assert "country_pools" not in found and "closed" not in found
        return
    lists = pool_lists("country_pools", found)
    for country, pools in edge.confined:
        assert lists[country] == ([f"pool_{name}" for name in pools] or ["closed"])
    assert re.search(r"fallback_pool +=? *cloudflare_load_balancer_pool\.closed\.id", found)


def test_each_area_goes_to_the_nearest_pool_and_then_as_the_estate_says() -> None:
    lists = pool_lists("region_pools", text("edge.tf"))
    assert set(lists) == set(cloudflare.AREAS)
    assert lists["WEU"] == ["pool_europe", "pool_america"]
    assert lists["ENAM"] == ["pool_america", "pool_europe", "pool_asia"]
    assert lists["NEAS"] == ["pool_asia", "pool_america"]


def test_without_law_the_nearest_is_taken_and_another_order_is_told() -> None:
    found = RENDER(replace(WHOLE, edge=PLAIN))
    edge = found.files["terraform/global/edge.tf"]
    assert 'steering_policy = "proximity"' in edge and "closed" not in edge and "country_pools" not in edge
    assert "entry.pools.asia: by proximity europe takes over, nearer than america" in found.gaps


def test_a_pool_stands_in_the_middle_of_its_clusters() -> None:
    europe = clusters("aws/eu-west-1", "azure/westeurope")
    assert cloudflare.middle(list(europe)) == (52.85, -0.7)
    assert cloudflare.middle([replace(europe[0], site=replace(europe[0].site, latitude=None))]) is None


def test_a_pool_without_clusters_is_left_out_and_told() -> None:
    edge = replace(PLAIN, pools=(*POOLS, EdgePool("moon", (), ("asia",))))
    found = RENDER(replace(WHOLE, edge=edge))
    assert "moon" not in found.files["terraform/global/edge.tf"]
    assert any(gap.startswith("entry.pools.moon: no cluster") for gap in found.gaps)


@pytest.mark.parametrize(("asked", "given_"), [(60, 1800), (3600, 3600), (10**9, 604_800)])
def test_affinity_is_within_what_cloudflare_allows(asked: int, given_: int) -> None:
    found = RENDER(replace(WHOLE, edge=replace(EDGE, affinity_seconds=asked)))
    assert f"session_affinity_ttl = {given_}" in found.files["terraform/global/edge.tf"]
    assert any(f"not {asked}" in gap for gap in found.gaps) == (asked != given_)
    none = text("edge.tf", replace(WHOLE, edge=replace(EDGE, affinity_seconds=None)))
    assert 'session_affinity = "none"' in none


def test_the_last_voters_outlive_any_cloud() -> None:
    nodes = voters(WHOLE)
    clouds = [node.cluster.site.cloud for node in nodes]
    assert len(nodes) == 5 and len(set(clouds)) == 3
    assert all(5 - clouds.count(cloud) >= 3 for cloud in clouds)


def test_voters_stand_as_near_to_each_other_as_three_clouds_allow() -> None:
    nodes = {node.cluster.site.id for node in voters(WHOLE)}
    assert nodes <= {"aws/eu-west-1", "azure/westeurope", "gcp/europe-west1", "oci/eu-frankfurt-1"}
    two = voters(replace(WHOLE, clusters=clusters("aws/eu-west-1", "gcp/asia-east1")))
    assert len({node.cluster.site.cloud for node in two}) == 2
    assert voters(replace(WHOLE, clusters=clusters("aws/eu-west-1", "aws/us-east-1"))) == ()


def test_every_voter_knows_all_others_and_one_seal() -> None:
    nodes = voters(WHOLE)
    settings = server(WHOLE, nodes)
    joined = re.findall(r'leader_api_addr += "https://([a-z0-9-]+)\.vault\.svc\.cluster\.local:8200"', settings)
    assert sorted(joined) == sorted(node.name for node in nodes) and len(set(joined)) == 5
    assert len(re.findall(r'^seal "', settings, re.M)) == 1 and 'seal "azurekeyvault"' in settings


def test_a_cloud_whose_seal_takes_foreign_tokens_holds_it() -> None:
    for ids, expected in (
        (("azure/westeurope", "gcp/europe-west1"), "azure/westeurope"),
        (("gcp/europe-west1", "oci/eu-frankfurt-1"), "gcp/europe-west1"),
        (("azure/westeurope", "oci/eu-frankfurt-1", "aws/eu-west-1"), "aws/eu-west-1"),
    ):
        assert sealing(voters(replace(WHOLE, clusters=clusters(*ids)))).id == expected


def test_the_right_to_the_seal_is_made_by_its_cloud_and_its_pods_are_meant() -> None:
    """Whoever holds the key: the root of that cloud makes the right, for the account that the chart's pods have."""
    networks = tuple(Network(where(id), f"10.{16 + at}.0.0/16") for at, id in enumerate(sorted(SITES)))
    for ids in (
        ("aws/eu-west-1", "gcp/europe-west1"),
        ("azure/westeurope", "gcp/europe-west1"),
        ("gcp/europe-west1", "oci/eu-frankfurt-1"),
    ):
        whole = replace(WHOLE, clusters=clusters(*ids), networks=networks, edge=None)
        site = sealing(voters(whole))
        root = renderers()[f"terraform/{site.cloud}"](whole)
        assert f"vault-seal:{site.id}" in root.provides
        assert f"vault-seal:{site.id}" in {need.name for need in kubernetes.render(whole).needs}
        rights = root.files[f"terraform/{site.cloud}/vault.tf"]
        assert re.search(r"serviceaccount:vault:vault|ns/vault/sa/vault", rights)
        for node in voters(whole):
            if node.cluster.site.cloud != site.cloud and site.cloud != "gcp":
                assert f'"{node.cluster.name}"' in rights


def test_two_clouds_are_told_to_be_too_few() -> None:
    found = INSIDE(replace(WHOLE, clusters=clusters("aws/eu-west-1", "oci/eu-frankfurt-1"), edge=None))
    assert any("aws and oci alone hold its voters" in gap for gap in found.gaps)


def test_the_seal_is_the_sites_own_key_under_the_names_of_its_root() -> None:
    """As the roots of the clouds name them: a render of both has the same text."""
    assert seal(WHOLE, where("aws/eu-west-1")).labels == ("awskms",)
    whole = replace(
        WHOLE, networks=tuple(Network(where(id), f"10.{16 + at}.0.0/16") for at, id in enumerate(sorted(SITES)))
    )
    values = {
        cloud: [inner.value for inner in seal(whole, where(site)).body if hasattr(inner, "value")]
        for cloud, site in (("aws", "aws/eu-west-1"), ("gcp", "gcp/europe-west1"), ("azure", "azure/westeurope"))
    }
    roots = {cloud: "".join(renderers()[f"terraform/{cloud}"](whole).files.values()) for cloud in values}
    assert f'"{values["aws"][1]}"' in roots["aws"]
    assert f'"{values["gcp"][2]}"' in roots["gcp"] and f'"{values["gcp"][3]}"' in roots["gcp"]
    assert f'"{values["azure"][0]}"' in roots["azure"]


def test_agents_bring_secrets_and_names_that_are_none_are_told() -> None:
    whole = replace(WHOLE, secrets=("db-password", 'x" }}{{ evil'))
    found = INSIDE(whole)
    agent = kubernetes.render(whole).files["vault/gcp-europe-west1/agent.yaml"]
    assert '{{ with secret \\"polycloud/data/db-password\\" }}' in agent
    assert "evil" not in agent + "".join(found.files.values())
    assert any("can not stand in a path of OpenBao" in gap for gap in found.gaps)
    policy = found.files["terraform/vault/policies/gateway.hcl"]
    assert 'path "polycloud/data/db-password"' in policy and "*" not in policy


def test_a_secrets_own_path_and_field_are_honoured_and_a_clouds_store_is_not_openbao() -> None:
    in_vault = {"sso": ("kv/data/team/sso", "token"), "odd": ("kv/data/odd", "the-key")}
    whole = replace(WHOLE, secrets=("bought", "odd", "sso"), in_vault=in_vault, in_clouds=("bought",))
    agent = kubernetes.render(whole).files["vault/gcp-europe-west1/agent.yaml"]
    assert '{{ with secret \\"kv/data/team/sso\\" }}{{ .Data.data.token }}' in agent
    assert '{{ index .Data.data \\"the-key\\" }}' in agent and "bought" not in agent and 'sink "file"' not in agent
    found = INSIDE(whole)
    policy = found.files["terraform/vault/policies/gateway.hcl"]
    assert 'path "kv/data/team/sso"' in policy and "polycloud/data/" not in policy
    assert not any("bought" in gap for gap in found.gaps)
    assert any("kv/data/odd, kv/data/team/sso" in gap for gap in found.gaps)
    bad = replace(whole, in_vault={"sso": ('x" }}{{ evil', "token"), "odd": ("kv/data/odd", 'a" }}{{ evil')})
    assert "evil" not in kubernetes.render(bad).files["vault/gcp-europe-west1/agent.yaml"]


def test_an_agent_without_secrets_keeps_its_sign_in() -> None:
    agent = kubernetes.render(replace(WHOLE, secrets=())).files["vault/gcp-europe-west1/agent.yaml"]
    assert 'sink "file"' in agent


def test_the_line_between_azure_and_oracle_needs_both() -> None:
    link = Link("line", where("azure/westeurope"), where("oci/eu-frankfurt-1"), "azure-oci", 2000)
    networks = (Network(link.a, "10.16.0.0/16"), Network(link.b, "10.17.0.0/16"))
    found = RENDER(replace(WHOLE, links=(link,), networks=networks))
    assert "link:line" in found.provides
    assert 'bandwidth_shape_name      = "2 Gbps"' in found.files["terraform/global/links.tf"]
    alone = terraform_global.render(replace(WHOLE, links=(link,), networks=networks))
    assert any(gap.startswith("line: azure-oci joins") for gap in alone.gaps)


def test_another_provider_of_the_public_name_is_a_gap() -> None:
    found = RENDER(replace(WHOLE, edge=replace(EDGE, provider="akamai")))
    assert "terraform/global/edge.tf" not in found.files
    assert any("akamai is not rendered" in gap for gap in found.gaps)


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE)
def test_no_text_of_an_estate_becomes_an_expression(name: str, other: str) -> None:
    bad, worse = f"{name}${{file(1)}}", f"{other}%{{if x}}"
    pools = tuple(
        EdgePool(f"{pool.name}{bad}", tuple(f"{one}{bad}" for one in pool.clusters), pool.fallback) for pool in POOLS
    )
    bent = replace(
        WHOLE,
        estate=bad,
        tags={"owner": worse},
        clusters=tuple(replace(one, name=f"{one.name}{bad}", was=(worse,)) for one in WHOLE.clusters),
        edge=replace(EDGE, hostname=worse, health_path=bad, pools=pools, confined=(("DE", (worse,)),)),
        secrets=(bad, worse),
    )
    for path, whole in (RENDER(bent).files | INSIDE(bent).files).items():
        lines = "\n".join(line for line in whole.splitlines() if not line.lstrip().startswith("#"))
        assert not re.search(r"(?<!\$)\$\{file", lines), path
        assert not re.search(r"(?<!%)%\{if", lines), path


def test_every_pair_of_clouds_is_joined_or_told() -> None:
    ids = ("aws/eu-west-1", "azure/westeurope", "gcp/europe-west1", "oci/eu-frankfurt-1")
    networks = tuple(Network(where(id), f"10.{16 + at}.0.0/16") for at, id in enumerate(ids))
    for a, b in combinations(ids, 2):
        link = Link("joined", where(a), where(b), "vpn", 1000)
        found = RENDER(replace(WHOLE, links=(link,), networks=networks))
        told = any(gap.startswith("joined: ") for gap in found.gaps)
        assert told == ({a, b} == {"aws/eu-west-1", "oci/eu-frankfurt-1"})
        assert "terraform/global/links.tf" in found.files


def test_a_renamed_cluster_signs_in_to_openbao_as_before() -> None:
    """Where it signs in stays, in Terraform and for agents: it is known as it was first, by whichever of its names a
    person gives its issuer."""
    first, *others = WHOLE.clusters
    named = (replace(first, name="third", was=("second", first.name)), *others)
    now = replace(WHOLE, clusters=tuple(sorted(named, key=lambda c: c.name)), edge=None)
    found = INSIDE(now)
    known = f'lookup({{ "second" = "{first.name}", "third" = "{first.name}" }}, name, name)'
    assert known in found.files["terraform/vault/variables.tf"]
    assert f'"{first.name}" = "jwt-{first.name}"' in found.files["terraform/vault/vault.tf"]
    assert f'mount_path = "auth/jwt-{first.name}"' in kubernetes.render(now).files["vault/third/agent.yaml"]
    assert "lookup(" not in INSIDE(WHOLE).files["terraform/vault/variables.tf"]
    again = replace(now, clusters=(*now.clusters, replace(first, was=())))
    vault_tf = INSIDE(again).files["terraform/vault/vault.tf"]
    assert '"third" = "jwt-third"' in vault_tf and f'"{first.name}" = "jwt-{first.name}"' in vault_tf


def test_vaults_key_is_renewed_as_often_as_the_estates_keys() -> None:
    assert f"auto_rotate_period = {90 * 86_400}" in INSIDE(WHOLE).files["terraform/vault/vault.tf"]
    assert vault.VOTERS // 2 + 1 == 3
