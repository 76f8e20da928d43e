"""The tests that ship with the root of AWS: closed, encrypted, in place, within bounds."""

from polycloud.clouds.aws.render_storage import copied, transitions
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Value, quoted
from polycloud.deploy.render import promises
from polycloud.deploy.render.promises import Mock, Promise
from polycloud.deploy.render.terraform import Root, identifier

MOCKS = (
    Mock("aws_availability_zones", {"names": ["zone-a", "zone-b", "zone-c"]}),
    Mock("aws_caller_identity", {"account_id": "123456789012"}),
    Mock("aws_partition", {"partition": "aws"}),
    Mock("aws_rds_engine_version", {"version_actual": "17.5"}),
    Mock("aws_ssoadmin_instances", {"arns": ["arn:aws:sso:::instance/ssoins-1"], "identity_store_ids": ["d-1"]}),
)
CLOSED = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


def add(root: Root, here: Blueprint) -> None:
    runs = {
        "keys_are_renewed": [
            Promise(
                f"aws_kms_key.{identifier(key.name, key.site.region)}.enable_key_rotation",
                f"The key at {key.site.id} must be renewed by itself",
            )
            for key in here.keys
        ],
        "clusters_are_closed": _clusters(here),
        "pools_keep_their_bounds": _pools(here),
        "buckets_are_closed_and_encrypted": _buckets(here),
        "buckets_age_and_are_copied": _ages(root, here) + _copies(here),
        "data_stay_where_they_may_be": _places(here),
        "databases_are_encrypted_and_guarded": _databases(here),
    }
    passwords: dict[str, Value] = {d.name: "for-tests-alone" for d in here.databases}
    given = {"database_passwords": passwords} if ("database_passwords", "map(string)") in root.asked() else {}
    promises.add(root, {"aws": MOCKS}, runs, given)


def _clusters(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        address = f"aws_eks_cluster.{identifier(cluster.name)}"
        found += [
            Promise(
                f"!{address}.vpc_config[0].endpoint_public_access",
                f"The Kubernetes API of {cluster.name} must be reached from inside alone",
            ),
            Promise(
                f'contains({address}.encryption_config[0].resources, "secrets")',
                f"Secrets of {cluster.name} must be encrypted by our key",
            ),
            Promise(f"{address}.version == {quoted(cluster.version)}", f"{cluster.name} must run {cluster.version}"),
        ]
    return found


def _pools(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        for pool in cluster.pools:
            bounds = f"aws_eks_node_group.{identifier(cluster.name, pool.name)}.scaling_config[0]"
            found.append(
                Promise(
                    f"{bounds}.min_size == {pool.least} && {bounds}.max_size == {pool.most}",
                    f"The pool {pool.name} of {cluster.name} has {pool.least} to {pool.most} machines",
                )
            )
    return found


def _buckets(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        label = identifier(bucket.name)
        closed = " && ".join(f"aws_s3_bucket_public_access_block.{label}.{one}" for one in CLOSED)
        rules = f"aws_s3_bucket_server_side_encryption_configuration.{label}.rule"
        how = "apply_server_side_encryption_by_default[0].sse_algorithm"
        versions = f"aws_s3_bucket_versioning.{label}.versioning_configuration[0].status"
        found += [
            Promise(closed, f"{bucket.name} must not be public"),
            Promise(f'alltrue([for rule in {rules} : rule.{how} == "aws:kms"])', f"{bucket.name} must be encrypted"),
            Promise(f'{versions} == "Enabled"', f"{bucket.name} must keep versions"),
        ]
    return found


def _ages(root: Root, here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        rules = f"aws_s3_bucket_lifecycle_configuration.{identifier(bucket.name)}.rule"
        for dataset, folders, ages in bucket.aged():
            what = f"{dataset} in {bucket.name}" if dataset else bucket.name
            moves = [f"{days} {storage}" for days, storage in transitions(root, what, ages)]
            tests = ['rule.status == "Enabled"']
            tests += [
                promises.exactly(
                    '[for step in rule.transition : format("%d %s", step.days, step.storage_class)]', moves
                )
            ]
            tests += [f"rule.expiration[0].days == {ages.delete}"] if ages.delete is not None else []
            for folder in folders or ("",) if moves or ages.delete is not None else ():
                only = [f"rule.filter[0].prefix == {quoted(folder)}"] if folder else []
                found.append(Promise(promises.some(rules, *tests, *only), f"{what} must age as the estate says"))
    return found


def _copies(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        copies = here.copies(bucket)
        folders = [prefix for _, prefix in copied(bucket, copies)]
        rules = f"aws_s3_bucket_replication_configuration.{identifier(bucket.name)}.rule"
        on = 'rule.status == "Enabled" && rule.delete_marker_replication[0].status == "Enabled"'
        all_on = f"length({rules}) == {len(folders)} && alltrue([for rule in {rules} : {on}])"
        if copies:
            to = " and ".join(copy.site.id for copy in copies)
            found.append(Promise(all_on, f"{bucket.name} must be copied to {to}, deletions too"))
    return found


def _places(here: Blueprint) -> list[Promise]:
    return [
        promises.inside(here, "aws", bucket.data_class, f"aws_s3_bucket.{identifier(bucket.name)}.region")
        for bucket in here.buckets
        if bucket.data_class
    ]


def _databases(here: Blueprint) -> list[Promise]:
    found = []
    for database in here.databases:
        if database.engine in ("postgresql", "mysql"):
            kinds = {
                "aws_db_instance": identifier(database.name),
                "aws_rds_cluster": identifier(database.name, database.site.region),
            }
            copies = any(site.cloud == "aws" and site.id != database.site.id for site in database.replicas)
            kind = "aws_rds_cluster" if copies else "aws_db_instance"
            address = f"{kind}.{kinds[kind]}"
            found.append(
                Promise(
                    f"{address}.storage_encrypted && {address}.deletion_protection",
                    f"{database.name} must be encrypted, and not be deleted by accident",
                )
            )
    return found
