"""What a render would have Terraform destroy is told before, with the words that keep it."""

from polycloud.deploy.files import Lasting, Manifest
from polycloud.deploy.hcl import Value, block
from polycloud.deploy.losses import arrived, lasting, losses
from polycloud.deploy.plan import costs, digests
from polycloud.deploy.ports import Resource
from polycloud.deploy.render.terraform import ref, resource

BUCKET = "aws/aws_s3_bucket.{}"


def bucket(label: str, source: str, called: str = "x", site: str = "aws/eu-west-1") -> Resource:
    made = block("resource", "aws_s3_bucket", label, attributes={"bucket": called})
    return Resource(BUCKET.format(label), "bucket", site, source, block=made)


def before(*resources: Resource, estate: str = "northwind") -> Manifest:
    return Manifest(estate, {}, lasting=lasting(resources))


def told(was: Manifest, *now: Resource, moved: dict[str, str] | None = None) -> tuple[str, ...]:
    return losses(was, lasting(now), moved or {}, "northwind")


def test_only_what_lasts_is_remembered_with_its_name() -> None:
    other = Resource("aws/aws_iam_role.a", "identity", "", "clusters", block=block("resource", "aws_iam_role", "a"))
    assert lasting([bucket("a", "datasets.a", "acme-a"), other]) == {
        "aws/aws_s3_bucket.a": Lasting("datasets.a", "aws/eu-west-1", "acme-a")
    }


def test_a_new_name_without_a_word_is_told_with_the_word() -> None:
    (said,) = told(before(bucket("a", "datasets.a")), bucket("b", "datasets.b"))
    assert said == (
        "datasets.a is gone: aws/aws_s3_bucket.a would be destroyed. If it is called datasets.b now, add there: was: a"
    )


def test_with_the_word_nothing_is_told() -> None:
    moved = {BUCKET.format("a"): BUCKET.format("b")}
    assert told(before(bucket("a", "datasets.a")), bucket("b", "datasets.b"), moved=moved) == ()


def test_what_nothing_can_replace_is_told_too() -> None:
    (said,) = told(before(bucket("a", "datasets.a")), bucket("b", "datasets.b", site="aws/us-east-1"))
    assert said.endswith("Nothing takes its place")


def test_a_store_was_rather_a_store_than_a_dataset() -> None:
    (said,) = told(before(bucket("a", "stores.a")), bucket("b", "datasets.b"), bucket("c", "stores.c"))
    assert "If it is called stores.c now" in said


def test_pools_are_not_told_beside_their_cluster() -> None:
    def cluster(label: str, source: str, kind: str = "aws_eks_cluster") -> Resource:
        made = block("resource", kind, label, attributes={"name": "x", "node_group_name": "y"})
        return Resource(f"aws/{kind}.{label}", "cluster", "aws/eu-west-1", source, block=made)

    both = (cluster("a", "clusters.a"), cluster("a__gpu", "clusters.a.pools.gpu", "aws_eks_node_group"))
    assert len(told(before(*both), cluster("b", "clusters.b"))) == 1
    (said,) = told(before(*both), both[0], cluster("a__big", "clusters.a.pools.big", "aws_eks_node_group"))
    assert said.endswith("If it is called clusters.a.pools.big now, add there: was: gpu")


def test_another_name_in_the_cloud_is_told_at_the_same_address_and_at_a_new_one() -> None:
    (said,) = told(before(bucket("a", "datasets.a", "old"), estate="southwind"), bucket("a", "datasets.a", "new"))
    assert "knows it as old, and it would be new; the estate was called southwind" in said
    moved = {BUCKET.format("a"): BUCKET.format("b")}
    assert len(told(before(bucket("a", "datasets.a", "old")), bucket("b", "datasets.b", "new"), moved=moved)) == 1


def test_what_goes_to_another_site_is_told() -> None:
    (said,) = told(before(bucket("a", "datasets.a")), bucket("a", "datasets.a", site="aws/us-east-1"))
    assert said.endswith("destroyed at aws/eu-west-1, and made empty at aws/us-east-1")


def test_the_same_thing_at_another_address_is_told_with_the_command() -> None:
    (said,) = told(before(bucket("a", "datasets.a")), bucket("b", "datasets.a"))
    assert said.endswith("It is at aws_s3_bucket.b now: terraform state mv keeps it")


def test_a_first_render_destroys_nothing() -> None:
    assert losses(None, lasting([bucket("a", "datasets.a")]), {}, "northwind") == ()


def test_costs_follow_a_chain_of_renamings() -> None:
    moved = {"aws/a.b": "aws/a.c", "aws/a.a": "aws/a.b"}
    assert arrived(moved, "aws/a.a") == "aws/a.c"
    was = Manifest("northwind", {}, costs={"aws/a.a": 5})
    (cost,) = costs([Resource("aws/a.c", "bucket", "", "datasets.c", 5)], was, moved)
    assert (cost.before, cost.change) == (5, "same")


def pool(label: str, most: int, of: str = "aws_eks_cluster.a") -> Resource:
    size: dict[str, Value] = {"cluster": ref(f"{of}.name"), "most": most}
    return Resource(f"aws/aws_eks_node_group.{label}", "pool", "", "", 5, block=resource("x", label, size))


def changes(was: Resource, now: Resource, moved: dict[str, str] | None = None) -> list[tuple[str, str]]:
    then = Manifest("northwind", {}, costs={was.address: was.monthly}, digests=digests([was]))
    return [(cost.address, cost.change) for cost in costs([now], then, moved)]


def test_a_resource_whose_text_is_another_is_changed_though_it_costs_the_same() -> None:
    assert changes(pool("a", 5), pool("a", 6)) == [("aws/aws_eks_node_group.a", "changed")]
    assert changes(pool("a", 5), pool("a", 5)) == [("aws/aws_eks_node_group.a", "same")]


def test_a_resource_at_another_address_is_new_and_the_old_one_gone() -> None:
    assert changes(pool("a", 5), pool("b", 5)) == [
        ("aws/aws_eks_node_group.b", "new"),
        ("aws/aws_eks_node_group.a", "gone"),
    ]


def test_a_renaming_changes_nothing_and_hides_no_change() -> None:
    moved = {
        "aws/aws_eks_node_group.a": "aws/aws_eks_node_group.b",
        "aws/aws_eks_cluster.a": "aws/aws_eks_cluster.m",
        "aws/aws_eks_cluster.m": "aws/aws_eks_cluster.b",
    }
    assert changes(pool("a", 5), pool("b", 5, "aws_eks_cluster.b"), moved) == [("aws/aws_eks_node_group.b", "same")]
    assert changes(pool("a", 5), pool("b", 6, "aws_eks_cluster.b"), moved) == [("aws/aws_eks_node_group.b", "changed")]


def test_a_manifest_that_knows_no_texts_tells_of_prices_alone() -> None:
    was = Manifest("northwind", {}, costs={"aws/aws_eks_node_group.a": 4})
    assert [cost.change for cost in costs([pool("a", 5)], was)] == ["dearer"]
