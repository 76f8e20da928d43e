"""The root of Oracle Cloud as text: what each part of an estate becomes, and that its texts stay texts."""

import ipaddress
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.oci.render import render
from polycloud.clouds.oci.render_ai import shape
from polycloud.clouds.oci.render_clusters import size, start
from polycloud.clouds.oci.render_network import peers, ranges
from polycloud.clouds.oci.render_storage import native, steps
from polycloud.deploy.blueprint import Blueprint, Bucket, Cluster, Lifecycle, Link, Pool, Where
from polycloud.deploy.checks import prove, together
from polycloud.deploy.derive import derive
from polycloud.estate import Estate, load

ROOT = Path(__file__).resolve().parents[4]
EVERYTHING = ROOT / "tests" / "deploy" / "given" / "everything.yaml"
CATALOG, MARKET = Catalog.load(), Market.load()
HOSTILE = st.text(alphabet="a${}%\"\\\n.#_-'", min_size=1, max_size=20)
FRANKFURT = Where("oci/eu-frankfurt-1", "oci", "eu-frankfurt-1", "DE")
replace = msgspec.structs.replace


def estate() -> Estate:
    loaded = load(EVERYTHING, None)
    assert loaded.estate is not None
    return loaded.estate


WHOLE = derive(estate(), CATALOG, MARKET)
FOUND = render(WHOLE)


def file(name: str, blueprint: Blueprint | None = None) -> str:
    return (FOUND if blueprint is None else render(blueprint)).files[f"terraform/oci/{name}"]


def resource(kind: str, name: str, text: str) -> str:
    start = f'resource "{kind}" "{name}" {{'
    assert start in text, f"{kind}.{name}"
    return text.partition(start)[2].partition("\n}\n")[0]


def test_the_same_estate_gives_the_same_bytes_and_no_estate_gives_nothing() -> None:
    assert render(WHOLE) == FOUND
    assert render(Blueprint("x", "production", {})).files == {}


def test_nothing_is_declared_twice_and_every_reference_is_met() -> None:
    assert together({"oci": FOUND}).problems == ()


def test_what_holds_data_is_inside_its_class() -> None:
    proved = prove(FOUND.resources, estate(), CATALOG)
    assert proved.broken == () and proved.pairs > 4
    held = {r.address.partition("/")[2].partition(".")[0] for r in FOUND.resources if r.data_class}
    assert held >= {"oci_objectstorage_bucket", "oci_psql_db_system", "oci_database_autonomous_database"}


def test_everything_in_a_region_is_made_by_the_regions_provider() -> None:
    """What has no provider of its own is made in the home region: policies, and who signs in."""
    for path, text in FOUND.files.items():
        for kind, _, body in re.findall(r'resource "(\w+)" "(\w+)" \{\n(.*?)\n\}\n', text, re.S):
            if "/tests/" not in path and not re.search(r"^  provider +=", body, re.M):
                assert kind.startswith(("oci_identity_policy", "oci_identity_domains_")), f"{path}: {kind}"


def test_a_resource_is_in_the_region_of_its_site() -> None:
    text = "".join(FOUND.files.values())
    for one in FOUND.resources:
        kind, _, label = one.address.removeprefix("oci/").partition(".")
        if one.site and kind not in ("oci_identity_policy", "oci_objectstorage_replication_policy"):
            region = one.site.removeprefix("oci/").replace("-", "_")
            assert re.search(rf"provider += oci\.{region}\n", resource(kind, label, text)), one.address


def test_patches_of_kubernetes_are_named_and_unknown_ones_are_told() -> None:
    assert '"1.35" = "v1.35.2"' in file("clusters.tf")
    later = replace(WHOLE, clusters=(Cluster("c", FRANKFURT, "1.41", (Pool("system", "system", "m", 1, 1),)),))
    assert any("which patch of Kubernetes 1.41" in gap for gap in render(later).gaps)


@pytest.mark.parametrize(
    ("pool", "wanted"),
    [
        (Pool("a", "system", "VM.Standard.E5.Flex", 1, 1), (2, 16)),
        (Pool("a", "workload", "VM.Standard.E5.Flex", 1, 1, vcpu=8, memory_gib=64), (4, 64)),
        (Pool("a", "workload", "VM.Standard.A1.Flex", 1, 1, vcpu=8, memory_gib=64), (8, 64)),
        (Pool("a", "gpu", "BM.GPU.H100.8", 1, 1), None),
    ],
)
def test_flexible_machines_are_cut_to_size(pool: Pool, wanted: tuple[float, float] | None) -> None:
    assert size(pool) == wanted


def test_pools_have_their_bounds_labels_taints_and_are_preemptible_where_asked() -> None:
    pools = (
        Pool("plain", "workload", "VM.Standard.E5.Flex", 5, 50),
        Pool("cheap", "gpu", "VM.GPU.A10.1", 0, 4, spot=True, accelerator="A10"),
    )
    text = file("clusters.tf", replace(WHOLE, clusters=(Cluster("c", FRANKFURT, "1.35", pools),)))
    plain = resource("oci_containerengine_node_pool", "c__plain", text)
    assert "preemptible" not in plain and "user_data" not in plain
    cheap = resource("oci_containerengine_node_pool", "c__cheap", text)
    assert "preemptible_node_config" in cheap and "-Gen2-GPU-" in cheap
    assert "--register-with-taints=nvidia.com/gpu=present:NoSchedule,polycloud/spot=true:NoSchedule" in cheap
    assert re.search(r'key +=? *"polycloud/accelerator"\n +value +=? *"A10"', cheap)
    nodes = resource("oci_containerengine_addon", "autoscaler_c", text)
    assert (
        '"5:50:${oci_containerengine_node_pool.c__plain.id},0:4:${oci_containerengine_node_pool.c__cheap.id}"' in nodes
    )
    assert start(pools[0]) == ""


def bucket(**given: object) -> Bucket:
    first = next(b for b in WHOLE.buckets if b.name == "sheets-oci-eu-frankfurt-1")
    return msgspec.convert({**msgspec.to_builtins(first), **given}, Bucket)


def test_every_bucket_is_closed_versioned_and_encrypted_by_the_key_of_its_own_site() -> None:
    buckets = re.findall(r'resource "oci_objectstorage_bucket" "\w+" \{\n(.*?)\n\}\n', file("storage.tf"), re.S)
    assert len(buckets) == 2
    for text in buckets:
        assert re.search(r'access_type += "NoPublicAccess"', text) and re.search(r'versioning += "Enabled"', text)
        region = re.search(r"provider += oci\.(\w+)", text)
        assert region is not None and f"oci_kms_key.data__{region[1]}.id" in text
        assert "prevent_destroy = true" in text


@pytest.mark.parametrize(
    ("ages", "wanted"),
    [
        (Lifecycle(warm=30, cold=90), [("INFREQUENT_ACCESS", 30)]),
        (Lifecycle(cold=90, archive=365), [("INFREQUENT_ACCESS", 90), ("ARCHIVE", 365)]),
        (Lifecycle(warm=30, archive=365, delete=60), [("INFREQUENT_ACCESS", 30), ("DELETE", 60)]),
        (Lifecycle(), []),
    ],
)
def test_objects_cool_by_age_and_what_would_be_gone_before_does_not_cool(
    ages: Lifecycle, wanted: list[tuple[str, int]]
) -> None:
    assert steps(ages) == wanted


def test_one_copy_is_made_here_and_only_of_a_whole_bucket() -> None:
    here = WHOLE.of("oci")
    whole = next(b for b in here.buckets if b.name == "sheets-oci-eu-frankfurt-1")
    assert [copy.name for copy in native(here, whole)] == ["sheets-oci-eu-amsterdam-1"]
    shared = bucket(datasets=("sheets", "secrets"), begins=("sheets", "secrets"))
    assert native(here, shared) == []
    found = render(replace(WHOLE, buckets=tuple(shared if b.name == shared.name else b for b in WHOLE.buckets)))
    assert "oci_objectstorage_replication_policy" not in found.files["terraform/oci/storage.tf"]
    assert any("does not copy sheets-oci-eu-frankfurt-1" in gap for gap in found.gaps)


def test_a_copy_deletes_nothing_by_itself() -> None:
    aged = tuple(replace(b, lifecycle=Lifecycle(delete=100)) if b.site.cloud == "oci" else b for b in WHOLE.buckets)
    text = file("storage.tf", replace(WHOLE, buckets=aged))
    kind = "oci_objectstorage_object_lifecycle_policy"
    assert re.search(r'time_amount +=? *"100"', resource(kind, "sheets_oci_eu_frankfurt_1", text))
    assert not re.search(r'time_amount +=? *"100"', resource(kind, "sheets_oci_eu_amsterdam_1", text))


def test_a_sites_ranges_do_not_overlap() -> None:
    found = [ipaddress.IPv4Network(one) for one in ranges("10.21.0.0/16").values()]
    assert not any(a.overlaps(b) for a in found for b in found if a is not b)
    assert all(one.subnet_of(ipaddress.IPv4Network("10.21.0.0/16")) for one in found)


def test_nobody_is_let_in_by_the_networks_own_list_of_rules() -> None:
    text = file("network.tf")
    assert "ingress_security_rules" not in text
    subnets = re.findall(r'resource "oci_core_subnet" "\w+" \{\n(.*?)\n\}\n', text, re.S)
    assert len(subnets) == 10 and all("oci_core_security_list.closed_" in one for one in subnets)
    sources = re.findall(r'\n +source +=? *"([^"]+)"', text)
    assert sources and "0.0.0.0/0" not in sources  # the estate has no edge


def test_networks_that_a_site_is_joined_to_are_routed_and_let_in() -> None:
    assert [one.id for one in peers(WHOLE, FRANKFURT)] == ["aws/eu-west-1", "gcp/europe-west4", "onprem/berlin"]
    cidr = next(network.cidr for network in WHOLE.networks if network.site.id == "gcp/europe-west4")
    routes = resource("oci_core_route_table", "inside_eu_frankfurt_1", file("network.tf"))
    assert re.search(rf'destination +=? *"{cidr}"', routes) and "oci_core_drg.eu_frankfurt_1.id" in routes
    assert 'try(var.halls["berlin"].networks, [])' in routes


def test_two_sites_of_oracle_are_joined_by_oracles_own_network() -> None:
    amsterdam = Where("oci/eu-amsterdam-1", "oci", "eu-amsterdam-1", "NL")
    found = render(replace(WHOLE, links=(Link("near", FRANKFURT, amsterdam, "vpn", 1000),)))
    text = found.files["terraform/oci/links.tf"]
    waits = resource("oci_core_remote_peering_connection", "near__waits", text)
    asks = resource("oci_core_remote_peering_connection", "near__asks", text)
    assert "peer_id" not in waits and "oci.eu_frankfurt_1" in waits
    assert "oci_core_remote_peering_connection.near__waits.id" in asks and "oci.eu_amsterdam_1" in asks
    cidr = next(network.cidr for network in WHOLE.networks if network.site.id == amsterdam.id)
    routes = resource("oci_core_route_table", "inside_eu_frankfurt_1", found.files["terraform/oci/network.tf"])
    assert re.search(rf'destination +=? *"{cidr}"', routes)
    assert "oci_core_ipsec" not in text


def test_databases_by_engine() -> None:
    text = file("database.tf")
    ledger = resource("oci_database_autonomous_database", "general_ledger", text)
    assert "secret_id" in ledger and "admin_password" not in text and "kms_key_id" not in ledger
    copy = resource("oci_database_autonomous_database", "general_ledger__eu_amsterdam_1", text)
    assert "oci_database_autonomous_database.general_ledger.id" in copy and "CROSS_REGION_DATAGUARD" in copy
    alone = tuple(replace(d, replicas=()) for d in WHOLE.databases)
    kept = resource(
        "oci_database_autonomous_database", "general_ledger", file("database.tf", replace(WHOLE, databases=alone))
    )
    assert "oci_kms_key.data__eu_frankfurt_1.id" in kept
    assert "VAULT_SECRET" in resource("oci_psql_db_system", "stats", text)
    assert any(gap.startswith("stats: PostgreSQL at Oracle Cloud is encrypted by Oracle's key") for gap in FOUND.gaps)


def test_bought_units_become_a_cluster_and_an_endpoint() -> None:
    text = file("ai.tf")
    cluster = resource("oci_generative_ai_dedicated_ai_cluster", "llama__eu_frankfurt_1", text)
    assert re.search(r"unit_count +=? *2", cluster)
    service = next(s for s in WHOLE.services if s.site.cloud == "oci")
    assert shape(replace(service, upstream="meta.llama-3.3-70b-instruct")) == "LARGE_GENERIC"
    assert shape(replace(service, upstream="cohere.command-r-plus-08-2024")) == "LARGE_COHERE_V2_2"
    assert shape(replace(service, upstream="cohere.command-r-08-2024")) == "SMALL_COHERE_V2"
    assert shape(replace(service, upstream="something.else")) == ""


def test_rights_name_the_key_the_pod_and_the_cluster() -> None:
    gateway = resource("oci_identity_policy", "gateway", file("ai.tf"))
    assert "request.principal.service_account = 'polycloud'" in gateway
    assert "'${oci_containerengine_cluster.oci_main.id}'" in gateway
    keys = resource("oci_identity_policy", "keys_eu_frankfurt_1", file("keys.tf"))
    assert keys.count("target.key.id = '${oci_kms_key.data__eu_frankfurt_1.id}'") == keys.count("Allow ")


def test_names_that_look_alike_stay_apart() -> None:
    names = ("a-b", "a_b", "a.b", "A-b")
    pools = tuple(Pool(name, "workload", "m", 1, 2) for name in names)
    clusters = tuple(Cluster(name, FRANKFURT, "1.35", pools) for name in names)
    assert together({"oci": render(replace(WHOLE, clusters=clusters))}).problems == ()


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE)
def test_no_text_of_an_estate_becomes_an_expression(name: str, other: str) -> None:
    """Every template that is left unescaped is one that a renderer wrote: it refers to what Terraform knows."""
    found = render(renamed(WHOLE, f"{name}${{file(1)}}", f"{other}%{{if x}}"))
    for path, whole in found.files.items():
        text = "\n".join(line for line in whole.splitlines() if not line.lstrip().startswith("#"))
        assert not re.search(r"(?<!\$)\$\{file", text), path
        assert not re.search(r"(?<!%)%\{if", text), path
        for template in re.findall(r"(?<!\$)\$\{([^}]*)\}", text):
            assert re.match(r"(data\.)?(oci_\w+|count|each|var|one)[.\[]|trimprefix\(local\.", template), (
                path,
                template,
            )


def renamed(plain: Blueprint, name: str, other: str) -> Blueprint:
    """Everything that an estate names, named otherwise."""
    return replace(
        plain,
        estate=name,
        tags={"owner": other, name: other},
        accounts={"oci": {"compartment": other, "namespace": other}},
        clusters=tuple(
            replace(c, name=f"{c.name}{name}", pools=tuple(replace(p, name=f"{p.name}{other}") for p in c.pools))
            for c in plain.clusters
        ),
        buckets=tuple(
            replace(b, name=f"{b.name}{name}", physical=other, data_class=other, layers=(other,), copies_to=())
            for b in plain.buckets
        ),
        databases=tuple(replace(d, name=f"{d.name}{name}", data_class=other) for d in plain.databases),
        services=tuple(
            replace(s, name=f"{s.name}{name}", upstream=other, owner=other, source=other) for s in plain.services
        ),
        links=tuple(replace(one, name=f"{one.name}{name}", provider=other) for one in plain.links),
    )


def test_the_home_region_is_never_guessed() -> None:
    asked = re.search(r'variable "home_region" \{\n(.*?)\n\}', file("variables.tf"), re.S)
    assert asked is not None and "default" not in asked[1]  # the estate does not say it
    said = replace(WHOLE, accounts={**WHOLE.accounts, "oci": {**WHOLE.accounts["oci"], "home_region": "us-ashburn-1"}})
    assert re.search(r'default += "us-ashburn-1"', file("variables.tf", said))


def test_a_model_that_oracle_can_not_know_waits_for_its_ocid() -> None:
    text = file("ai.tf")
    assert 'try(var.model_ids["llama-3.3-70b"], data.oci_generative_ai_models.' in text
    assert any("llama-3.3-70b is no name of a model at Oracle Cloud" in gap for gap in FOUND.gaps)


def test_load_balancers_stand_where_they_can_have_the_addresses_that_they_need_and_answer_over_links() -> None:
    mine = next(c for c in WHOLE.clusters if c.site.id == FRANKFURT.id)
    alone = replace(WHOLE, clusters=(mine,), edge=None)
    for whole, use in ((alone, "machines"), (replace(WHOLE, edge=None), "public"), (WHOLE, "public")):
        balancers = f"service_lb_subnet_ids = [oci_core_subnet.{use}_eu_frankfurt_1.id]"
        assert balancers in re.sub(r" +", " ", file("clusters.tf", whole)), use
    network = file("network.tf")
    inside, public = (
        resource("oci_core_route_table", f"{use}_eu_frankfurt_1", network) for use in ("inside", "public")
    )
    drg = "network_entity_id = oci_core_drg.eu_frankfurt_1.id"
    assert 0 < inside.count(drg) == public.count(drg)
