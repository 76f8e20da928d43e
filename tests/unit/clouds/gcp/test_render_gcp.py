"""The root of Google Cloud as text: what each part of an estate becomes, and that its texts stay texts."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.gcp.render import render, services
from polycloud.clouds.gcp.render_ai import garden_name
from polycloud.clouds.gcp.render_clusters import accelerator, first, machine
from polycloud.clouds.gcp.render_keys import label
from polycloud.clouds.gcp.render_network import ranges
from polycloud.deploy.blueprint import AiService, Blueprint, Database, Lifecycle, Pool
from polycloud.deploy.checks import prove, together
from polycloud.deploy.derive import derive
from polycloud.deploy.render.terraform import ref
from polycloud.estate import Estate, load

ROOT = Path(__file__).resolve().parents[4]
EVERYTHING = ROOT / "tests" / "deploy" / "given" / "everything.yaml"
CATALOG, MARKET = Catalog.load(), Market.load()
HOSTILE = st.text(alphabet='a${}%"\\\n.#_-', min_size=1, max_size=20)
replace = msgspec.structs.replace


def estate() -> Estate:
    loaded = load(EVERYTHING, None)
    assert loaded.estate is not None
    return loaded.estate


WHOLE = derive(estate(), CATALOG, MARKET)
FOUND = render(WHOLE)


def file(name: str, blueprint: Blueprint | None = None) -> str:
    return (FOUND if blueprint is None else render(blueprint)).files[f"terraform/gcp/{name}"]


def resource(kind: str, name: str, text: str) -> str:
    start = f'resource "{kind}" "{name}" {{'
    assert start in text, f"{kind}.{name}"
    return text.partition(start)[2].partition("\n}\n")[0]


def test_the_same_estate_gives_the_same_bytes_and_no_estate_gives_nothing() -> None:
    assert render(WHOLE) == FOUND
    assert render(Blueprint("x", "production", {})).files == {}


def test_nothing_is_declared_twice_and_every_reference_is_met() -> None:
    assert together({"gcp": FOUND}).problems == ()


def test_what_holds_data_is_inside_its_class() -> None:
    proved = prove(FOUND.resources, estate(), CATALOG)
    assert proved.broken == ()
    assert proved.pairs > 8
    held = {r.address.partition("/")[2].partition(".")[0] for r in FOUND.resources if r.data_class}
    assert held >= {"google_storage_bucket", "google_sql_database_instance", "google_logging_project_bucket_config"}


def test_no_plan_replaces_a_cluster_whose_first_machines_are_gone() -> None:
    cluster = resource("google_container_cluster", "gcp_main", file("clusters.tf"))
    assert "remove_default_node_pool    = true" in cluster and "ignore_changes = [node_config]" in cluster


def test_pools_have_their_bounds_labels_taints_and_accelerators() -> None:
    text = file("clusters.tf")
    batch = resource("google_container_node_pool", "gcp_main__batch", text)
    assert "total_min_node_count = 0\n    total_max_node_count = 40" in batch
    assert 'location_policy      = "ANY"' in batch
    assert re.search(r"spot += true", batch) and 'key    = "polycloud/spot"' in batch
    gpu = resource("google_container_node_pool", "gcp_main__gpu", text)
    assert 'type  = "nvidia-h100-80gb"\n      count = 8' in gpu
    assert "google_container_node_pool.gcp_main__workload," in gpu  # GKE taints it only beside such a pool
    assert "nvidia.com/gpu" not in gpu
    old = resource("google_container_node_pool", "gcp_main__old", text)
    assert 'type  = "nvidia-tesla-t4"\n      count = 1' in old


@pytest.mark.parametrize(
    ("asked", "kind", "wanted", "chip"),
    [
        ("a3-megagpu-8g", "H100", "a3-megagpu-8g", "nvidia-h100-mega-80gb"),
        ("a3-highgpu-8g", "H100", "a3-highgpu-8g", "nvidia-h100-80gb"),
        ("tpu-v6e-4", "TPU-v6e", "ct6e-standard-4t", ""),
        ("g2-standard-4", "L4", "g2-standard-4", "nvidia-l4"),
    ],
)
def test_machines_and_accelerators_have_the_names_of_gke(asked: str, kind: str, wanted: str, chip: str) -> None:
    pool = Pool("p", "gpu", asked, 0, 1, accelerator=kind, accelerators_each=1)
    assert (machine(pool), accelerator(pool)) == (wanted, chip)


@pytest.mark.parametrize(("least", "each"), [(0, 0), (1, 1), (3, 1), (5, 2), (7, 3)])
def test_a_pool_starts_with_its_least_in_three_zones(least: int, each: int) -> None:
    assert first(Pool("p", "workload", "n2-standard-8", least, 50), "europe-west4") == each


def test_where_accelerators_are_is_said_later_and_so_their_first_machines_are_reckoned_then() -> None:
    said = first(Pool("p", "gpu", "a3-highgpu-8g", 2, 4, accelerator="H100", accelerators_each=8), "europe-west4")
    assert said == ref('ceil(2 / max(1, try(length(var.accelerator_zones["europe-west4"]), 3)))')


def test_a_sites_ranges_do_not_overlap() -> None:
    import ipaddress

    found = [ipaddress.ip_network(one) for one in ranges("10.21.0.0/16").values()]
    assert not any(a.overlaps(b) for a in found for b in found if a is not b)
    assert all(one.subnet_of(ipaddress.ip_network("10.21.0.0/16")) for one in found)


def test_objects_cool_by_age_and_what_would_be_gone_before_does_not_cool() -> None:
    bucket = next(b for b in WHOLE.buckets if b.name == "orders-gcp-europe-west1")
    text = resource("google_storage_bucket", "orders_gcp_europe_west1", file("storage.tf"))
    assert re.findall(r'storage_class = "(\w+)"', text) == ["NEARLINE", "COLDLINE", "ARCHIVE"]
    soon = replace(bucket, lifecycle=Lifecycle(warm=30, cold=90, delete=60))
    kept = tuple(soon if b.name == bucket.name else b for b in WHOLE.buckets)
    text = resource(
        "google_storage_bucket", "orders_gcp_europe_west1", file("storage.tf", replace(WHOLE, buckets=kept))
    )
    assert re.findall(r'storage_class = "(\w+)"', text) == ["NEARLINE"]


def test_copies_here_are_made_by_the_transfer_service() -> None:
    text = resource(
        "google_storage_transfer_job", "orders_gcp_europe_west1__orders_gcp_europe_west4", file("storage.tf")
    )
    assert "google_storage_bucket.orders_gcp_europe_west1.name" in text
    assert "google_storage_bucket.orders_gcp_europe_west4.name" in text


def test_of_a_shared_bucket_only_the_datasets_that_have_a_copy_there_go_to_it() -> None:
    text = resource("google_storage_transfer_job", "pond_gcp_europe_west1__visits_gcp_europe_west4", file("storage.tf"))
    assert re.findall(r'"(\w+/visits/)"', text) == [
        "raw/visits/",
        "processed/visits/",
        "curated/visits/",
        "models/visits/",
    ]
    assert "names/" not in text


def test_what_is_audited_is_kept_in_its_own_region_alone() -> None:
    text = file("storage.tf")
    kept = resource("google_logging_project_bucket_config", "objects_europe_west1", text)
    assert 'location       = "europe-west1"' in kept
    assert "everything-orders-europe-west1" in resource("google_logging_project_exclusion", "objects", text)


def test_databases_by_engine() -> None:
    text = file("database.tf")
    ledger = resource("google_sql_database_instance", "ledger", text)
    assert "POSTGRES_17" in ledger and "point_in_time_recovery_enabled = true" in ledger
    assert re.search(r'location +=? *"europe-west1"', ledger)
    copy = resource("google_sql_database_instance", "ledger__europe_west4", text)
    assert "google_sql_database_instance.ledger.name" in copy
    assert "google_kms_crypto_key.data__europe_west4.id" in copy
    assert "regional-europe-west1" in resource("google_spanner_instance", "stock", text)
    assert any(gap.startswith("stock: copies at gcp/europe-west4") for gap in FOUND.gaps)


def test_bought_throughput_of_a_hosted_model_is_a_step_for_a_person() -> None:
    assert any("order 2 units of" in gap and "Provisioned Throughput" in gap for gap in FOUND.gaps)


@pytest.mark.parametrize(
    ("upstream", "name"),
    [
        ("llama3-3@llama-3.3-70b-instruct", "publishers/meta/models/llama3-3@llama-3.3-70b-instruct"),
        ("publishers/meta/models/llama3-2@llama-3.2-1b", "publishers/meta/models/llama3-2@llama-3.2-1b"),
        ("llama-3.3-70b", ""),
        ("meta/llama-3.3-70b-instruct-maas", ""),  # of the service that answers by the token
    ],
)
def test_open_models_have_the_names_of_model_garden_or_wait_for_them(upstream: str, name: str) -> None:
    site = next(one.site for one in WHOLE.services if one.site.cloud == "gcp")
    service = AiService("llama", "llama", upstream, site, "units", 3, owner="meta", source="models.llama")
    assert garden_name(service) == name
    found = render(replace(WHOLE, services=(service,)))
    text = found.files["terraform/gcp/ai.tf"]
    assert "min_replica_count = 3" in text and "max_replica_count = 3" in text
    assert (f'publisher_model_name = "{name}"' in text) == bool(name)
    assert (f'count                = try(var.model_garden["{upstream}"].name, null) == null ? 0 : 1' in text) != bool(
        name
    )
    assert any("names of its own" in gap for gap in found.gaps) != bool(name)


def test_both_ends_of_links_are_named() -> None:
    text = file("links.tf")
    assert 'shared_secret_wo                = var.vpn_secrets["hall-gcp"]' in text
    assert set(FOUND.provides) >= {"link:hall-gcp", "link:aws-gcp-line"}
    assert "pairing_keys_aws_gcp_line" in file("outputs.tf")


def test_only_what_is_used_is_switched_on() -> None:
    bare = replace(WHOLE.of("gcp"), databases=(), buckets=(), services=())
    wanted = ("binaryauthorization", "cloudkms", "cloudresourcemanager", "cloudtrace", "compute", "container")
    wanted += ("containersecurity", "iam", "iamcredentials", "logging", "monitoring", "secretmanager", "sts")
    assert services(bare) == [f"{name}.googleapis.com" for name in wanted]


@given(st.text(max_size=100))
def test_labels_are_lawful(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", label(text))


def test_names_that_look_alike_stay_apart() -> None:
    first = next(c for c in WHOLE.clusters if c.site.cloud == "gcp")
    names = ("a-b", "a_b", "a.b", "A-b")
    pools = tuple(replace(first.pools[0], name=name) for name in names)
    clusters = tuple(replace(first, name=name, pools=pools) for name in names)
    found = render(replace(WHOLE, clusters=clusters))
    assert together({"gcp": found}).problems == ()


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
            known = r"(data\.)?(google_\w+|count|each|var|one|substr\(sha256\(each)[.\[]"
            assert re.match(known, template), f"{path}: {template}"


def renamed(plain: Blueprint, name: str, other: str) -> Blueprint:
    """Everything that an estate names, named otherwise."""
    return replace(
        plain,
        estate=name,
        tags={"owner": other, name: other},
        clusters=tuple(
            replace(c, name=f"{c.name}{name}", pools=tuple(replace(p, name=f"{p.name}{other}") for p in c.pools))
            for c in plain.clusters
        ),
        buckets=tuple(
            replace(b, name=f"{b.name}{name}", physical=other, data_class=other, layers=(other,), copies_to=())
            for b in plain.buckets
        ),
        databases=tuple(replace(d, name=f"{d.name}{name}", data_class=other) for d in plain.databases),
        services=tuple(replace(s, name=f"{s.name}{name}", upstream=other) for s in plain.services),
        links=tuple(replace(one, name=f"{one.name}{name}", provider=other) for one in plain.links),
    )


def test_what_is_done_in_postgresql_is_told() -> None:
    orders = Database("orders", "postgresql", WHOLE.of("gcp").networks[0].site, (), "", "data", 24, 30)
    found = render(replace(WHOLE, databases=(orders,)))
    flags = dict(re.findall(r'name +=? *"([\w.]+)"\n +value +=? *"([\w,]+)"', found.files["terraform/gcp/database.tf"]))
    assert flags["cloudsql.enable_pgaudit"] == "on" and flags["pgaudit.log"] == "ddl,role,write"
    assert any("CREATE EXTENSION pgaudit" in gap for gap in found.gaps)
