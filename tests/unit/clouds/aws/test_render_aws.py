"""The root of AWS as text: what each part of an estate becomes, and that no text of it becomes more than a text."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.aws.render import render
from polycloud.clouds.aws.render_backups import schedule
from polycloud.clouds.aws.render_clusters import image
from polycloud.clouds.aws.render_models import called, model_arn
from polycloud.deploy.blueprint import AiService, Blueprint, Pool, Where
from polycloud.deploy.checks import prove, together
from polycloud.deploy.derive import derive
from polycloud.estate import Estate, load

ROOT = Path(__file__).resolve().parents[4]
EVERYTHING = ROOT / "tests" / "deploy" / "given" / "everything.yaml"
CATALOG, MARKET = Catalog.load(), Market.load()
HOSTILE = st.text(alphabet='a${}%"\\\n.#_-', min_size=1, max_size=20)
replace = msgspec.structs.replace


def estate(path: Path = EVERYTHING) -> Estate:
    loaded = load(path, None)
    assert loaded.estate is not None
    return loaded.estate


WHOLE = derive(estate(), CATALOG, MARKET)
FOUND = render(WHOLE)


def file(name: str, blueprint: Blueprint | None = None) -> str:
    return (FOUND if blueprint is None else render(blueprint)).files[f"terraform/aws/{name}"]


def resource(kind: str, label: str, text: str) -> str:
    start = f'resource "{kind}" "{label}" {{'
    assert start in text, f"{kind}.{label}"
    return text.partition(start)[2].partition("\n}\n")[0]


def test_the_same_estate_gives_the_same_bytes_and_no_estate_gives_nothing() -> None:
    assert render(WHOLE) == FOUND
    assert render(Blueprint("x", "production", {})).files == {}


def test_every_file_says_what_it_is_and_where_it_comes_from() -> None:
    for text in (text for path, text in FOUND.files.items() if path.endswith((".tf", ".hcl"))):
        what, source, *_ = text.splitlines()
        assert re.fullmatch(r"# .+", what)
        assert source.startswith("# From the estate everything: ")


def test_nothing_is_declared_twice_and_every_reference_is_met() -> None:
    assert together({"aws": FOUND}).problems == ()


def test_what_holds_data_is_inside_its_class() -> None:
    proved = prove(FOUND.resources, estate(), CATALOG)
    assert proved.broken == ()
    assert proved.pairs > 10
    held = {r.address.partition("/")[2].partition(".")[0] for r in FOUND.resources if r.data_class}
    assert held >= {"aws_s3_bucket", "aws_dynamodb_table", "aws_rds_cluster", "aws_cloudwatch_log_group"}


def test_one_change_in_the_estate_is_a_small_change_in_the_files() -> None:
    main = next(cluster for cluster in WHOLE.clusters if cluster.name == "aws-main")
    pools = tuple(replace(pool, most=pool.most + 1) if pool.name == "gpu" else pool for pool in main.pools)
    changed = tuple(replace(c, pools=pools) if c.name == "aws-main" else c for c in WHOLE.clusters)
    after = render(replace(WHOLE, clusters=changed)).files
    lines = [
        line
        for path, text in after.items()
        for line, before in zip(text.splitlines(), FOUND.files[path].splitlines(), strict=True)
        if line != before
    ]
    assert len(lines) == 3  # the pool, and both lines of the test that ships with it


def test_pools_have_their_bounds_labels_taints_and_images() -> None:
    text = file("clusters.tf")
    batch = resource("aws_eks_node_group", "aws_main__batch", text)
    assert 'capacity_type   = "SPOT"' in batch
    assert "min_size     = 0\n    max_size     = 40" in batch
    assert '"polycloud/spot" = "true"' in batch and 'key    = "polycloud/spot"' in batch
    gpu = resource("aws_eks_node_group", "aws_main__gpu", text)
    assert '["p5.48xlarge"]' in gpu and 'key    = "nvidia.com/gpu"' in gpu
    system = resource("aws_eks_node_group", "aws_main__system", text)
    assert 'key    = "CriticalAddonsOnly"' in system


@pytest.mark.parametrize(
    ("machine", "role", "wanted"),
    [
        ("m7i.xlarge", "system", "AL2023_x86_64_STANDARD"),
        ("m8g.4xlarge", "workload", "AL2023_ARM_64_STANDARD"),
        ("g5.xlarge", "gpu", "AL2023_x86_64_NVIDIA"),
        ("g5g.xlarge", "gpu", "AL2023_ARM_64_NVIDIA"),
        ("g6f.large", "gpu", "AL2023_x86_64_NVIDIA"),
        ("g4ad.xlarge", "gpu", "AL2023_x86_64_STANDARD"),
        ("trn1.32xlarge", "gpu", "AL2023_x86_64_NEURON"),
        ("im4gn.large", "workload", "AL2023_ARM_64_STANDARD"),
    ],
)
def test_machines_start_from_the_image_of_their_kind(machine: str, role: str, wanted: str) -> None:
    assert image(Pool("p", role, machine, 0, 1)) == wanted  # type: ignore[arg-type]


def test_what_serves_a_cluster_may_change_what_is_marked_as_a_clusters() -> None:
    text = file("clusters.tf")
    for account, label in (("cluster-autoscaler", "autoscaler"), ("aws-load-balancer-controller", "balancers")):
        found = resource("aws_eks_pod_identity_association", f"{label}_aws_main", text)
        assert f'service_account = "{account}"' in found
    scaler = resource("aws_iam_role_policy", "eks_autoscaler", text)
    assert '"$${aws:PrincipalTag/eks-cluster-name}"' in scaler
    balancers = resource("aws_iam_role_policy", "eks_balancers", text)
    own = balancers.partition('"Own"')[2]
    assert '"aws:ResourceTag/elbv2.k8s.aws/cluster" = "false"' in own  # Null is false: the mark must be there


def test_no_load_balancer_can_be_made_the_clusters_own_by_a_mark() -> None:
    policy = resource("aws_iam_role_policy", "eks_balancers", file("clusters.tf"))
    said = {re.sub(r"\W.*", "", one.strip(' ="\n')): one for one in re.split(r"Sid +=", policy)[1:]}
    marking = [one for one in said.values() if "elasticloadbalancing:AddTags" in one]
    assert len(marking) == 2
    for one in marking:  # what is made at this moment, or what has the mark and keeps it
        new = '"elasticloadbalancing:CreateAction" =' in one
        kept = '"aws:RequestTag/elbv2.k8s.aws/cluster"  = "true"' in one
        assert new or (kept and '"aws:ResourceTag/elbv2.k8s.aws/cluster" = "false"' in one)
    assert '"iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com"' in said["First"]
    assert "iam:CreateServiceLinkedRole" in said["First"]
    assert '"aws:ResourceTag/aws:eks:cluster-name" = "$${aws:PrincipalTag/eks-cluster-name}"' in said["Machines"]


def test_the_gateways_pods_and_no_others_get_its_role() -> None:
    for cluster in ("aws_main", "aws_spare"):
        found = resource("aws_eks_pod_identity_association", f"gateway_{cluster}", file("ai.tf"))
        assert f"aws_eks_cluster.{cluster}.name" in found and "aws_iam_role.gateway.arn" in found
        assert re.search(r'namespace +=? *"polycloud"', found) and re.search(r'service_account +=? *"polycloud"', found)
    for name in ("autoscaler", "balancers"):
        found = resource("aws_eks_pod_identity_association", f"{name}_aws_main", file("clusters.tf"))
        assert re.search(r'namespace +=? *"kube-system"', found)


def test_what_a_copy_needs_of_keys_it_has_and_no_more() -> None:
    text = resource("aws_iam_role_policy", "copy_events_aws_eu_west_1", file("storage.tf"))
    keys = {}
    for action in ("Decrypt", "Encrypt"):
        (rule,) = [one for one in text.split("Effect")[1:] if f'"kms:{action}"' in one]
        keys[action] = set(re.findall(r"aws_kms_key\.(\w+)\.arn", rule))
    assert keys == {"Decrypt": {"data__eu_west_1"}, "Encrypt": {"data__eu_central_1"}}


def test_what_is_inside_is_reached_from_networks_that_a_link_joins() -> None:
    rules = dict(
        re.findall(r'"aws_vpc_security_group_ingress_rule" "(inside_\w+)" \{\n(.*?)\n\}', file("network.tf"), re.S)
    )
    joined = {name: re.findall(r'cidr_ipv4 +=? *"?([\w./]+)', rule) for name, rule in rules.items()}
    cidrs = {network.site.id: network.cidr for network in WHOLE.networks}
    near = {
        peer for link in WHOLE.links for peer in (link.a.id, link.b.id) if "aws/eu-west-1" in (link.a.id, link.b.id)
    }
    wanted = {cidrs[peer] for peer in near if peer in cidrs} | {cidrs["aws/eu-west-1"]}
    found = {cidr for name, all in joined.items() if name.startswith("inside_eu_west_1") for cidr in all}
    assert wanted <= found and len(wanted) > 2
    assert found - wanted <= {"each.value"}  # of halls, whose networks are said at the apply


def test_a_model_that_bedrock_can_not_know_is_told() -> None:
    assert any("no model called" in gap for gap in render(asking("claude-sonnet")).gaps)
    assert not any("no model called" in gap for gap in render(asking("anthropic.claude-sonnet-4-5-v1:0")).gaps)


def asking(upstream: str) -> Blueprint:
    site = next(one.site for one in WHOLE.services if one.site.cloud == "aws")
    return replace(WHOLE, services=(AiService("m", "m", upstream, site, "on-demand", source="models.m"),))


def test_machines_cost_what_the_fewest_cost() -> None:
    by = {resource.address: resource for resource in FOUND.resources}
    pool = next(p for c in WHOLE.clusters for p in c.pools if (c.name, p.name) == ("aws-main", "system"))
    assert pool.monthly
    found = by["aws/aws_eks_node_group.aws_main__system"]
    assert found.monthly == 3 * pool.monthly
    assert str(5 * pool.monthly) in found.note
    bucket = by["aws/aws_s3_bucket.events_aws_eu_west_1"]
    assert bucket.monthly is not None and 100_000_000 < bucket.monthly < 400_000_000  # 10 TB at about 23 USD a TB


def test_objects_cool_as_far_as_s3_allows_and_go_at_last() -> None:
    text = resource("aws_s3_bucket_lifecycle_configuration", "events_aws_eu_west_1", file("storage.tf"))
    assert re.findall(r'days += (\d+)\n +storage_class = "(\w+)"', text) == [
        ("30", "STANDARD_IA"),
        ("60", "GLACIER_IR"),
        ("366", "DEEP_ARCHIVE"),
    ] or re.findall(r'days += (\d+)\n +storage_class = "(\w+)"', text)[2][0] in ("365", "366")
    assert re.search(r"expiration {\n +days = 25\d\d", text)
    assert any("STANDARD_IA after 30 days at the earliest, not 10" in gap for gap in FOUND.gaps)


def test_copies_at_aws_are_s3s_own_and_others_are_said() -> None:
    text = resource("aws_s3_bucket_replication_configuration", "events_aws_eu_west_1", file("storage.tf"))
    assert "aws_s3_bucket.events_aws_eu_central_1.arn" in text
    assert "aws_kms_key.data__eu_central_1.arn" in text
    assert "minutes = 15" in text
    assert any("events-gcp-europe-west1 in another cloud" in gap for gap in FOUND.gaps)


def test_of_a_shared_bucket_only_the_datasets_that_have_a_copy_there_go_to_it() -> None:
    text = resource("aws_s3_bucket_replication_configuration", "lake_aws_eu_central_1", file("storage.tf"))
    prefixes = re.findall(r'prefix = "(.*)"', text)
    assert prefixes == [f"{layer}/clicks/" for layer in ("raw", "processed", "curated", "models")]
    assert "people" not in text


def test_a_class_that_asks_for_audit_has_a_trail_in_its_region() -> None:
    text = resource("aws_cloudtrail", "objects_eu_west_1", file("storage.tf"))
    assert "${aws_s3_bucket.events_aws_eu_west_1.arn}/" in text
    assert 'resource "aws_cloudtrail" "objects_us_east_1"' not in file("storage.tf")


def test_databases_by_engine() -> None:
    text = file("database.tf")
    assert 'engine                    = "aurora-postgresql"' in resource("aws_rds_global_cluster", "accounts", text)
    home = resource("aws_rds_cluster", "accounts__eu_west_1", text)
    assert 'master_password_wo                  = var.database_passwords["accounts"]' in home
    assert "master_password_wo" not in resource("aws_rds_cluster", "accounts__eu_central_1", text)
    assert "manage_master_user_password         = true" in resource("aws_db_instance", "shop", text)
    table = resource("aws_dynamodb_table", "sessions", text)
    assert 'region_name                 = "eu-central-1"' in table
    assert "MULTI_REGION" in resource("aws_keyspaces_keyspace", "carts", text)
    assert any(gap.startswith("books: oracle at AWS is not written here") for gap in FOUND.gaps)


def test_backups_are_kept_as_long_as_the_estate_says() -> None:
    text = file("backups.tf")
    assert "delete_after = 90" in resource("aws_backup_plan", "shop", text)
    assert "aws_db_instance.shop.arn" in resource("aws_backup_selection", "shop", text)
    assert '"accounts"' not in text  # 14 days are the service's own


@pytest.mark.parametrize(
    ("hours", "wanted"), [(6, "cron(0 0/6 * * ? *)"), (24, "cron(0 3 * * ? *)"), (7, "cron(0 3 * * ? *)")]
)
def test_backups_begin_as_often_as_the_day_allows(hours: int, wanted: str) -> None:
    assert schedule(hours) == wanted


def test_a_model_is_called_by_its_profile_where_it_has_a_scope() -> None:
    site = Where("aws/eu-west-1", "aws", "eu-west-1", "IE")
    scoped = AiService("s", "s", "eu.anthropic.claude-x", site, "on-demand", scope="eu")
    assert called(scoped).text.endswith(':inference-profile/eu.anthropic.claude-x"')
    assert model_arn(scoped, "*").text.endswith(':bedrock:*::foundation-model/anthropic.claude-x"')
    plain = AiService("s", "s", "amazon.nova", site, "on-demand")
    assert called(plain).text.endswith(':bedrock:eu-west-1::foundation-model/amazon.nova"')


def test_a_model_abroad_is_reached_by_its_profile_alone() -> None:
    text = resource("aws_iam_role_policy", "gateway", file("ai.tf"))
    plainly, routed = text.split('"ByProfile"')
    assert ":bedrock:*::foundation-model" not in plainly and ":bedrock:*::foundation-model" in routed
    assert '"bedrock:InferenceProfileArn" = [' in routed


def test_bought_units_are_provisioned() -> None:
    text = file("ai.tf")
    assert '"aws_bedrock_provisioned_model_throughput" "nova_lite__us_east_1__units"' in text
    assert "model_units            = 2" in text
    assert "var.bedrock_use_case" in text  # Anthropic's form


def test_both_ends_of_links_are_named() -> None:
    text = file("links.tf")
    assert 'var.lines["aws-gcp-line"].connection' in text
    assert 'var.halls["berlin"].address' in text
    assert set(FOUND.provides) >= {"link:hall-aws", "link:hall-line", "link:aws-gcp-line"}
    assert '"aws/eu-west-1" = {' in file("outputs.tf")


def test_sites_of_one_cloud_are_joined_on_its_own_backbone() -> None:
    text = file("links.tf")
    peering = resource("aws_ec2_transit_gateway_peering_attachment", "aws_inside", text)
    assert 'peer_region             = "eu-central-1"' in peering
    networks = {network.site.id: network.cidr for network in WHOLE.networks}
    routes = [resource("aws_ec2_transit_gateway_route", f"aws_inside__{at}", text) for at in (0, 1)]
    assert networks["aws/eu-central-1"] in routes[0] and networks["aws/eu-west-1"] in routes[1]
    assert '"aws_vpn_connection" "aws_inside' not in text


def test_production_has_a_way_out_in_each_zone() -> None:
    assert "count         = 3" in resource("aws_nat_gateway", "eu_west_1", file("network.tf"))
    small = file("network.tf", replace(WHOLE, environment="development"))
    assert "count         = 1" in resource("aws_nat_gateway", "eu_west_1", small)


def test_names_that_look_alike_stay_apart() -> None:
    first = WHOLE.clusters[0]
    pool = first.pools[0]
    names = ("a-b", "a_b", "a.b", "A-b")
    pools = tuple(replace(pool, name=name) for name in names)
    clusters = tuple(replace(first, name=name, pools=pools) for name in names)
    buckets = tuple(replace(WHOLE.buckets[0], name=name, physical=f"bucket-{at}") for at, name in enumerate(names))
    found = render(replace(WHOLE, clusters=clusters, buckets=buckets))
    assert together({"aws": found}).problems == ()


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
            ours = r"(data\.)?(aws_\w+|count|each|var|one)[.\[]|trimprefix\(issuer,"
            assert re.match(ours, template), f"{path}: {template}"
        assert_whole(text)


def assert_whole(text: str) -> None:
    """Quotes are closed on their own line, and braces are even outside of them."""
    depth = 0
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        bare = re.sub(r'"(?:\\.|[^"\\])*"', "", line)
        assert '"' not in bare, line
        depth += sum(bare.count(c) for c in "{([") - sum(bare.count(c) for c in "})]")
    assert depth == 0


def renamed(plain: Blueprint, name: str, other: str) -> Blueprint:
    """Everything that an estate names, named otherwise."""
    return replace(
        plain,
        estate=name,
        tags={"owner": other, name: other},
        clusters=tuple(
            replace(
                c,
                name=f"{c.name}{name}",
                version=other,
                pools=tuple(replace(p, name=f"{p.name}{other}") for p in c.pools),
            )
            for c in plain.clusters
        ),
        buckets=tuple(
            replace(
                b, name=f"{b.name}{name}", physical=other, data_class=other, source=name, layers=(other,), copies_to=()
            )
            for b in plain.buckets
        ),
        databases=tuple(replace(d, name=f"{d.name}{name}", data_class=other) for d in plain.databases),
        services=tuple(
            replace(s, name=f"{s.name}{name}", model=other, upstream=f"{s.upstream}{other}", owner=other, source=name)
            for s in plain.services
        ),
        links=tuple(replace(one, name=f"{one.name}{name}", provider=other) for one in plain.links),
    )
