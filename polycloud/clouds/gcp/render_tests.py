"""The tests that ship with the root of Google Cloud: closed, encrypted, in place, within bounds."""

from polycloud.clouds.gcp import render_people
from polycloud.clouds.gcp.render_keys import rotation
from polycloud.clouds.gcp.render_storage import steps
from polycloud.deploy.blueprint import Blueprint, Key
from polycloud.deploy.hcl import quoted
from polycloud.deploy.render import promises
from polycloud.deploy.render.identity_report import people
from polycloud.deploy.render.promises import Mock, Promise
from polycloud.deploy.render.terraform import Root, identifier

AGENT = {"member": "serviceAccount:agent@example.iam.gserviceaccount.com"}
MOCKS = (
    Mock("google_project", {"number": "123456789012"}),
    Mock("google_storage_project_service_account", AGENT),
    Mock("google_storage_transfer_project_service_account", AGENT),
)


def add(root: Root, here: Blueprint) -> None:
    runs = {
        "keys_are_renewed": [
            Promise(
                f"{_address(key)}.rotation_period == {quoted(rotation(key))}",
                f"The key at {key.site.id} must be renewed by itself",
            )
            for key in here.keys
        ],
        "clusters_are_closed": _clusters(here),
        "pools_keep_their_bounds": _pools(here),
        "buckets_are_closed_and_encrypted": _buckets(here),
        "buckets_age_and_are_copied": _ages(here) + _copies(here),
        "data_stay_where_they_may_be": [
            promises.inside(here, "gcp", bucket.data_class, f"google_storage_bucket.{identifier(bucket.name)}.location")
            for bucket in here.buckets
            if bucket.data_class
        ],
        "people_sign_in_as_the_estate_says": _people(here),
        "databases_are_inside_and_guarded": _databases(here),
    }
    promises.add(root, {"google": MOCKS}, runs)


def _address(key: Key) -> str:
    return f"google_kms_crypto_key.{identifier(key.name, key.site.region)}"


def _clusters(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        address = f"google_container_cluster.{identifier(cluster.name)}"
        private = f"{address}.private_cluster_config[0]"
        found += [
            Promise(
                f"{private}.enable_private_nodes && {private}.enable_private_endpoint",
                f"Machines and Kubernetes API of {cluster.name} must be reached from inside alone",
            ),
            Promise(
                f'{address}.database_encryption[0].state == "ENCRYPTED"',
                f"Secrets of {cluster.name} must be encrypted by our key",
            ),
        ]
    return found


def _pools(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        for pool in cluster.pools:
            bounds = f"google_container_node_pool.{identifier(cluster.name, pool.name)}.autoscaling[0]"
            found.append(
                Promise(
                    f"{bounds}.total_min_node_count == {pool.least} && {bounds}.total_max_node_count == {pool.most}",
                    f"The pool {pool.name} of {cluster.name} has {pool.least} to {pool.most} machines",
                )
            )
    return found


def _buckets(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        address = f"google_storage_bucket.{identifier(bucket.name)}"
        found += [
            Promise(
                f'{address}.public_access_prevention == "enforced" && {address}.uniform_bucket_level_access',
                f"{bucket.name} must not be public",
            ),
            Promise(f"length({address}.encryption) == 1", f"{bucket.name} must be encrypted by our key"),
            Promise(f"{address}.versioning[0].enabled", f"{bucket.name} must keep versions"),
        ]
    return found


def _ages(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        rules = f"google_storage_bucket.{identifier(bucket.name)}.lifecycle_rule"
        for storage, age, folders in steps(bucket):
            moves = f"one(rule.action).storage_class == {quoted(storage)}"
            tests = [moves if storage else 'one(rule.action).type == "Delete"', f"one(rule.condition).age == {age}"]
            tests += [promises.exactly("one(rule.condition).matches_prefix", folders)] if folders else []
            found.append(Promise(promises.some(rules, *tests), f"{bucket.name} must age as the estate says"))
    return found


def _copies(here: Blueprint) -> list[Promise]:
    return [
        Promise(
            f"google_storage_transfer_job.{identifier(bucket.name, copy.name)}.replication_spec[0].gcs_data_sink[0]"
            f".bucket_name == {quoted(copy.physical)}",
            f"{bucket.name} must be copied to {copy.site.id}",
        )
        for bucket in here.buckets
        for copy in here.copies(bucket)
    ]


def _databases(here: Blueprint) -> list[Promise]:
    found = []
    for database in here.databases:
        if database.engine in ("postgresql", "mysql"):
            address = f"google_sql_database_instance.{identifier(database.name)}"
            found.append(
                Promise(
                    f"{address}.deletion_protection && !{address}.settings[0].ip_configuration[0].ipv4_enabled",
                    f"{database.name} must be reached from inside alone, and not be deleted by accident",
                )
            )
    return found


def _people(here: Blueprint) -> list[Promise]:
    how = here.sign_in
    if how is None or not people(here):
        return []
    lasts = f'google_iam_workforce_pool.people.session_duration == "{how.session_seconds}s"'
    found = [Promise(lasts, "A session must last as long as the estate says")]
    if how.proof is not None:
        condition = quoted(render_people.condition(how.proof))
        asked = f"google_iam_workforce_pool_provider.people.attribute_condition == {condition}"
        found.append(Promise(asked, "A sign-in without a second factor must be refused"))
    return found
