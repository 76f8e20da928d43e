"""The root of Azure as text: what each part of an estate becomes, and that its texts stay texts."""

import ipaddress
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.azure.render import render
from polycloud.clouds.azure.render_ai import maker_of, named, resource_name, sku
from polycloud.clouds.azure.render_clusters import base, bounds
from polycloud.clouds.azure.render_links import own_addresses
from polycloud.clouds.azure.render_network import ranges
from polycloud.deploy.blueprint import AiService, Blueprint, Bucket, Cluster, Lifecycle, Link, Pool, Where
from polycloud.deploy.checks import prove, together
from polycloud.deploy.derive import derive
from polycloud.estate import Estate, load

ROOT = Path(__file__).resolve().parents[4]
EVERYTHING = ROOT / "tests" / "deploy" / "given" / "everything.yaml"
CATALOG, MARKET = Catalog.load(), Market.load()
HOSTILE = st.text(alphabet='a${}%"\\\n.#_-', min_size=1, max_size=20)
WEST = Where("azure/westeurope", "azure", "westeurope", "NL")
replace = msgspec.structs.replace


def estate() -> Estate:
    loaded = load(EVERYTHING, None)
    assert loaded.estate is not None
    return loaded.estate


WHOLE = derive(estate(), CATALOG, MARKET)
FOUND = render(WHOLE)


def file(name: str, blueprint: Blueprint | None = None) -> str:
    return (FOUND if blueprint is None else render(blueprint)).files[f"terraform/azure/{name}"]


def resource(kind: str, name: str, text: str) -> str:
    start = f'resource "{kind}" "{name}" {{'
    assert start in text, f"{kind}.{name}"
    return text.partition(start)[2].partition("\n}\n")[0]


def service(**given: object) -> AiService:
    whole: dict[str, object] = {
        "name": "gpt-4o",
        "model": "gpt-4o",
        "upstream": "gpt-4o",
        "site": WEST,
        "capacity": "on-demand",
        "owner": "openai",
        "source": "models.gpt-4o",
    }
    return msgspec.convert(msgspec.to_builtins({**whole, **given}), AiService)


def test_the_same_estate_gives_the_same_bytes_and_no_estate_gives_nothing() -> None:
    assert render(WHOLE) == FOUND
    assert render(Blueprint("x", "production", {})).files == {}


def test_nothing_is_declared_twice_and_every_reference_is_met() -> None:
    assert together({"azure": FOUND}).problems == ()


def test_what_holds_data_is_inside_its_class() -> None:
    proved = prove(FOUND.resources, estate(), CATALOG)
    assert proved.broken == ()
    held = {r.address.partition("/")[2].partition(".")[0] for r in FOUND.resources if r.data_class}
    assert held >= {"azurerm_storage_account", "azurerm_postgresql_flexible_server", "azurerm_cosmosdb_account"}


def test_a_bucket_moved_outside_its_class_is_found_by_the_same_proof() -> None:
    moved = tuple(replace(b, data_class="personal-eu", site=replace(b.site, id="aws/us-east-1")) for b in WHOLE.buckets)
    broken = prove(render(replace(WHOLE, buckets=moved)).resources, estate(), CATALOG).broken
    assert any("azurerm_storage_account" in line and "personal-eu" in line for line in broken)


@pytest.mark.parametrize(
    ("capacity", "scope", "wanted"),
    [
        ("on-demand", "", "Standard"),
        ("on-demand", "datazone:eu", "DataZoneStandard"),
        ("on-demand", "global", "GlobalStandard"),
        ("ptu", "", "ProvisionedManaged"),
        ("ptu", "datazone:us", "DataZoneProvisionedManaged"),
        ("ptu", "global", "GlobalProvisionedManaged"),
    ],
)
def test_where_requests_are_worked_on_decides_the_kind_of_deployment(capacity: str, scope: str, wanted: str) -> None:
    assert sku(service(capacity=capacity, scope=scope)) == wanted


def test_a_scope_that_azure_does_not_have_is_never_a_wider_one() -> None:
    with pytest.raises(KeyError):
        sku(service(scope="eu"))


def test_two_deployments_of_one_name_become_two_and_are_told() -> None:
    names = [name for one, name in named(WHOLE.of("azure")) if one.site.id == "azure/westeurope"]
    assert names == ["gpt-4o", "gpt-4o-ptu"]
    assert any("give it upstream: gpt-4o-ptu" in gap for gap in FOUND.gaps)
    bought = resource("azurerm_cognitive_deployment", "westeurope__gpt_4o_ptu", file("ai.tf"))
    assert 'name     = "ProvisionedManaged"\n    capacity = 100' in bought
    assert "depends_on" in bought  # an account makes one at a time


def test_the_account_is_called_as_the_gateway_calls_it() -> None:
    assert resource_name(WHOLE, WEST) == "everything-westeurope"
    own = replace(WHOLE, accounts={"azure": {"resource": "acme-{region}-ai"}})
    assert resource_name(own, WEST) == "acme-westeurope-ai"
    assert 'custom_subdomain_name              = "acme-westeurope-ai"' in file("ai.tf", own)


def test_quotas_of_tokens_become_capacity() -> None:
    found = file("ai.tf", replace(WHOLE, services=(service(quota=250_000),)))
    assert "capacity = 250" in resource("azurerm_cognitive_deployment", "westeurope__gpt_4o", found)


@pytest.mark.parametrize(
    ("owner", "upstream", "wanted"), [("", "gpt-4o", "OpenAI"), ("meta", "x", "Meta"), ("", "x", "")]
)
def test_makers_have_the_names_of_azure(owner: str, upstream: str, wanted: str) -> None:
    assert maker_of(service(owner=owner, upstream=upstream)) == wanted


def cluster(*pools: Pool) -> Cluster:
    return Cluster("c", WEST, "1.35", pools)


def test_pools_have_their_bounds_labels_and_taints() -> None:
    pools = (
        Pool("system", "system", "Standard_D4s_v5", 3, 5),
        Pool("cheap", "workload", "Standard_D8s_v5", 0, 40, spot=True),
        Pool("gpu", "gpu", "Standard_ND96isr_H100_v5", 0, 4, accelerator="H100", accelerators_each=8),
    )
    text = file("clusters.tf", replace(WHOLE, clusters=(cluster(*pools),)))
    whole = resource("azurerm_kubernetes_cluster", "c", text)
    assert re.search(r"min_count +=? *3\n +max_count +=? *5", whole)
    assert re.search(r"only_critical_addons_enabled += true", whole)
    cheap = resource("azurerm_kubernetes_cluster_node_pool", "c__cheap", text)
    assert re.search(r'priority +=? *"Spot"', cheap) and '"kubernetes.azure.com/scalesetpriority" = "spot"' in cheap
    assert "polycloud/spot=true:NoSchedule" in cheap
    assert "kubernetes.azure.com/scalesetpriority=spot:NoSchedule" in cheap
    gpu = resource("azurerm_kubernetes_cluster_node_pool", "c__gpu", text)
    assert "nvidia.com/gpu=present:NoSchedule" in gpu and re.search(r'gpu_driver +=? *"Install"', gpu)


def test_the_clusters_own_pool_is_one_that_stays() -> None:
    spot, gpu = Pool("a", "workload", "m", 9, 9, spot=True), Pool("b", "gpu", "m", 9, 9)
    stays = Pool("z", "workload", "m", 0, 4)
    assert base(cluster(spot, gpu, stays)) is stays
    assert bounds(cluster(spot, gpu, stays), stays)[1:] == (1, 4)
    assert bounds(cluster(spot, gpu, stays), spot)[1:] == (9, 9)


def test_a_cluster_of_pools_that_come_and_go_gets_one_that_stays() -> None:
    for pools in ((), (Pool("a", "workload", "m", 9, 9, spot=True), Pool("b", "gpu", "m", 0, 9))):
        found = render(replace(WHOLE, clusters=(cluster(*pools),)))
        text = found.files["terraform/azure/clusters.tf"]
        assert re.search(r'default_node_pool \{\n +name += "base"', text)
        assert text.count('resource "azurerm_kubernetes_cluster_node_pool"') == len(pools)
        assert any("AKS wants a pool that stays" in gap for gap in found.gaps)


def test_amds_accelerators_get_no_driver_and_it_is_said() -> None:
    pools = (Pool("s", "system", "m", 1, 1), Pool("g", "gpu", "Standard_ND96isr_MI300X_v5", 0, 1, accelerator="MI300X"))
    found = render(replace(WHOLE, clusters=(cluster(*pools),)))
    assert "gpu_driver" not in found.files["terraform/azure/clusters.tf"]
    assert any("MI300X" in gap for gap in found.gaps)


def bucket(**given: object) -> Bucket:
    first = next(b for b in WHOLE.buckets if b.name == "notes-azure-westeurope")
    return msgspec.convert({**msgspec.to_builtins(first), **given}, Bucket)


def with_bucket(one: Bucket) -> Blueprint:
    return replace(WHOLE, buckets=tuple(one if b.name == one.name else b for b in WHOLE.buckets))


def test_every_account_is_closed_and_encrypted_by_the_key_of_its_own_site() -> None:
    accounts = re.findall(r'resource "azurerm_storage_account" "\w+" \{\n(.*?)\n\}\n', file("storage.tf"), re.S)
    assert len(accounts) == 4  # two buckets, and the logs of two sites
    for text in accounts:
        for name in ("shared_access_key_enabled", "public_network_access_enabled", "allow_nested_items_to_be_public"):
            assert re.search(rf"{name} += false", text), name
        region = re.search(r'location += "(\w+)"', text)
        assert region is not None and f"azurerm_key_vault_key.data__{region[1]}.versionless_id" in text
        assert f"azurerm_user_assigned_identity.keys_{region[1]}.id" in text and "prevent_destroy = true" in text


def test_objects_cool_by_age_and_what_would_be_gone_before_does_not_cool() -> None:
    soon = with_bucket(bucket(lifecycle=Lifecycle(warm=30, cold=90, archive=365, delete=60)))
    text = resource("azurerm_storage_management_policy", "notes_azure_westeurope", file("storage.tf", soon))
    assert re.findall(r"(\w+)_after_days_since_modification_greater_than += (\d+)", text) == [
        ("tier_to_cool", "30"),
        ("delete", "60"),
    ]


def test_what_is_archived_is_in_one_zone_and_that_is_said() -> None:
    found = render(with_bucket(bucket(lifecycle=Lifecycle(archive=365))))
    account = resource("azurerm_storage_account", "notes_azure_westeurope", found.files["terraform/azure/storage.tf"])
    assert 'account_replication_type          = "LRS"' in account
    assert any("notes-azure-westeurope: Azure archives only" in gap for gap in found.gaps)
    assert 'account_replication_type          = "ZRS"' in resource(
        "azurerm_storage_account", "notes_azure_westeurope", file("storage.tf")
    )


def test_copies_go_from_each_layer_to_the_same_layer() -> None:
    name = "notes_azure_westeurope__notes_azure_northeurope"
    text = resource("azurerm_storage_object_replication", name, file("storage.tf"))
    pairs = re.findall(r"azurerm_storage_container\.notes_azure_(\w+?)__(\w+)\.name", text)
    assert pairs == [
        (region, layer)
        for layer in ("raw", "processed", "curated", "models")
        for region in ("westeurope", "northeurope")
    ]
    assert "prefix" not in text


def test_of_a_shared_bucket_only_the_datasets_that_have_a_copy_there_go_to_it() -> None:
    shared = bucket(datasets=("notes", "secrets"), begins=("notes", "secrets"))
    name = "notes_azure_westeurope__notes_azure_northeurope"
    text = resource("azurerm_storage_object_replication", name, file("storage.tf", with_bucket(shared)))
    assert re.findall(r"with_prefix = (.*)", text) == ['["notes/"]'] * 4


def test_reading_is_logged_where_the_class_asks_for_it() -> None:
    quiet = resource("azurerm_monitor_diagnostic_setting", "bucket_notes_azure_westeurope", file("storage.tf"))
    assert "StorageRead" not in quiet and "StorageWrite" in quiet
    loud = resource(
        "azurerm_monitor_diagnostic_setting",
        "bucket_notes_azure_westeurope",
        file("storage.tf", with_bucket(bucket(audit=True))),
    )
    assert "StorageRead" in loud


def test_a_sites_ranges_do_not_overlap() -> None:
    found = [ipaddress.ip_network(one) for one in ranges("10.21.0.0/16").values()]
    assert not any(a.overlaps(b) for a in found for b in found if a is not b)
    assert all(one.subnet_of(ipaddress.ip_network("10.21.0.0/16")) for one in found)  # type: ignore[arg-type]


def test_databases_by_engine() -> None:
    text = file("database.tf")
    mail = resource("azurerm_postgresql_flexible_server", "mail", text)
    assert re.search(r"password_auth_enabled += false", mail) and "ZoneRedundant" in mail
    copy = resource("azurerm_postgresql_flexible_server", "mail__northeurope", text)
    assert "azurerm_postgresql_flexible_server.mail.id" in copy
    assert "azurerm_key_vault_key.data__northeurope.versionless_id" in copy and "high_availability" not in copy
    things = resource("azurerm_cosmosdb_account", "things", text)
    assert re.findall(r'location +=? *"(\w+)"\n +failover_priority +=? *(\d)', things) == [
        ("westeurope", "0"),
        ("northeurope", "1"),
    ]


def test_no_password_is_in_a_file_or_a_state() -> None:
    crm = replace(WHOLE.databases[0], name="crm", engine="mysql", site=WEST, replicas=())
    text = file("database.tf", replace(WHOLE, databases=(crm,)))
    assert re.search(r'administrator_password_wo +=? *var\.database_passwords\["crm"\]', text)
    assert not re.search(r"administrator_password +=", text)
    variables = file("variables.tf", replace(WHOLE, databases=(crm,)))
    assert "sensitive   = true\n  ephemeral   = true" in variables


def test_an_engine_that_azure_does_not_run_is_a_gap() -> None:
    found = render(replace(WHOLE, databases=(replace(WHOLE.databases[0], name="s", engine="spanner", site=WEST),)))
    assert any(gap.startswith("s: Azure runs no spanner") for gap in found.gaps)
    assert "terraform/azure/database.tf" not in found.files


def test_addresses_of_tunnels_are_one_for_each_and_lie_where_azure_takes_them() -> None:
    found = own_addresses(WHOLE, WEST)
    assert [len(one) for one in found] == [
        4,
        4,
    ]  # two of AWS' four tunnels, one of Google Cloud's two and of a hall's two
    flat = [address for one in found for address in one]
    assert len(set(flat)) == len(flat)
    assert all(address.startswith(("169.254.21.", "169.254.22.")) for address in flat)


def test_two_sites_of_azure_are_joined_by_azures_own_network() -> None:
    north = Where("azure/northeurope", "azure", "northeurope", "IE")
    found = render(replace(WHOLE, links=(Link("near", WEST, north, "vpn", 1000),)))
    text = found.files["terraform/azure/links.tf"]
    assert "azurerm_virtual_network_gateway" not in text
    own = resource("azurerm_virtual_network_peering", "near__westeurope", text)
    assert "azurerm_virtual_network.northeurope.id" in own
    assert "azurerm_virtual_network.westeurope.id" in resource(
        "azurerm_virtual_network_peering", "near__northeurope", text
    )
    assert "link:near" in found.provides


def test_a_site_that_only_serves_models_needs_no_network() -> None:
    bare = replace(WHOLE, networks=(), clusters=(), buckets=(), databases=(), links=())
    found = render(bare)
    assert "terraform/azure/network.tf" not in found.files
    assert "azurerm_private_endpoint" not in found.files["terraform/azure/ai.tf"]
    assert together({"azure": found}).problems == ()


def test_names_that_look_alike_stay_apart() -> None:
    names = ("a-b", "a_b", "a.b", "A-b")
    pools = tuple(Pool(name, "workload", "m", 1, 2) for name in names)
    clusters = tuple(Cluster(name, WEST, "1.35", pools) for name in names)
    found = render(replace(WHOLE, clusters=clusters))
    assert together({"azure": found}).problems == ()
    given = re.findall(
        r'"azurerm_kubernetes_cluster_node_pool" "\w+" \{\n +name += "(\w+)"',
        file("clusters.tf", replace(WHOLE, clusters=clusters[:1])),
    )
    assert len(set(given)) == len(given) == 3 and all(re.fullmatch(r"[a-z][a-z0-9]{0,11}", one) for one in given)


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
            assert re.match(r"(data\.)?(azurerm_\w+|count|each|var|one)[.\[]", template), f"{path}: {template}"


def renamed(plain: Blueprint, name: str, other: str) -> Blueprint:
    """Everything that an estate names, named otherwise."""
    return replace(
        plain,
        estate=name,
        tags={"owner": other, name: other},
        accounts={"azure": {"resource": other, "subscription": other}},
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


def test_versions_of_keys_are_renewed_and_never_end() -> None:
    """Clusters and accounts are told a version, and would lose what it wrapped if it ended before the next apply."""
    text = resource("azurerm_key_vault_key", "data__westeurope", file("keys.tf"))
    assert re.search(r'time_after_creation += "P\d+D"', text)
    assert "expire_after" not in text and "expiration_date" not in text
    assert any("apply after each renewal" in gap for gap in FOUND.gaps)


def test_a_hall_is_reached_from_both_instances_by_one_connection() -> None:
    """Azure takes no two connections of a gateway to one address; the other side then speaks BGP to each instance."""
    text = file("links.tf")
    gateways = re.findall(
        r'"azurerm_local_network_gateway" "([^"]+)" \{.*?gateway_address\s+= (var\.halls\S+)', text, re.S
    )
    halls = [one for one in WHOLE.links if one.via == "vpn" and {one.a.cloud, one.b.cloud} == {"azure", "onprem"}]
    assert halls and len(gateways) == len({address for _, address in gateways}) == len(halls)
    for label, _ in gateways:
        one = resource("azurerm_virtual_network_gateway_connection", label, text)
        (first,) = re.findall(r'primary   = "([^"]+)"', one)
        (second,) = re.findall(r'secondary = "([^"]+)"', one)
        mine = own_addresses(WHOLE, WEST)
        assert first in mine[0] and second in mine[1]


def test_models_of_other_makers_are_called_by_the_role_that_lets_them_be() -> None:
    def roles(*upstreams: str) -> list[str]:
        services = tuple(service(upstream=one, owner="", name=one, model=one) for one in upstreams)
        found = render(replace(WHOLE, services=services)).files["terraform/azure/ai.tf"]
        return re.findall(r'role_definition_name = "(Cognitive[^"]+)"', found)

    assert roles("gpt-4o") == ["Cognitive Services OpenAI User"]
    assert roles("claude-sonnet-4-6") == ["Cognitive Services User"]
    assert roles("gpt-4o", "claude-sonnet-4-6") == ["Cognitive Services OpenAI User", "Cognitive Services User"]


def test_whoever_deploys_claude_is_told_what_azure_asks_them() -> None:
    def told(upstream: str) -> list[str]:
        one = service(upstream=upstream, owner="", name=upstream, model=upstream)
        return [gap for gap in render(replace(WHOLE, services=(one,))).gaps if "modelProviderData" in gap]

    (said,) = told("claude-sonnet-4-6")
    assert "azurerm_cognitive_deployment.westeurope__claude_sonnet_4_6" in said
    assert told("gpt-4o") == []


def test_the_zone_that_a_sites_calls_go_through_is_told() -> None:
    assert 'zones               = ["1"]' in resource("azurerm_nat_gateway", "westeurope", file("network.tf"))
    assert sum("one NAT gateway, in zone 1" in gap for gap in FOUND.gaps) == 1
