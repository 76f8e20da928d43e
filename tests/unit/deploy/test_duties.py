"""What the gateway has to do in a cloud beside calling models, from what the estate says."""

from polycloud.deploy.blueprint import Blueprint, Bucket, Held, Lifecycle, Where
from polycloud.deploy.duties import abroad, duties


def bucket(name: str, site: str, *copies: str) -> Bucket:
    cloud, _, region = site.partition("/")
    where = Where(site, cloud, region, "")
    return Bucket(name, name, where, ("a", "b"), ("raw",), Lifecycle(), "", "data", copies, begins=("a",))


WHOLE = Blueprint(
    "northwind",
    "production",
    {},
    buckets=(
        bucket("here", "aws/eu-west-1", "there", "near"),
        bucket("near", "aws/eu-west-2"),
        bucket("there", "gcp/x"),
    ),
    held=(Held("aws", "key", "alias/main", "encryption_keys.main"), Held("gcp", "secret", "s", "secrets.s")),
)


def test_only_what_goes_to_another_cloud_is_carried_and_only_new_datasets_of_it() -> None:
    aws, gcp, azure = (duties(WHOLE, cloud) for cloud in ("aws", "gcp", "azure"))
    assert [(one.bucket.name, one.folders) for one in aws.reads] == [("here", ("raw/a/",))]
    assert (aws.writes, gcp.reads) == ((), ())
    assert [(one.bucket.name, one.folders) for one in gcp.writes] == [("there", ("raw/a/",))]
    assert not azure.any and abroad(WHOLE, "aws") == ()


def test_what_a_cloud_keeps_is_used_there_alone() -> None:
    assert [one.id for one in duties(WHOLE, "aws").keys] == ["alias/main"]
    assert [one.id for one in duties(WHOLE, "gcp").secrets] == ["s"]
    assert duties(WHOLE, "aws").secrets == duties(WHOLE, "gcp").keys == ()
