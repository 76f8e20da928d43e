"""What all Terraform roots share: identifiers that never meet, sections, inputs, links, shipped tests."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.deploy.blueprint import Blueprint, Link, Network, Where
from polycloud.deploy.derive.clusters import networks
from polycloud.deploy.hcl import Call, Expr, block, render
from polycloud.deploy.render import links, promises
from polycloud.deploy.render.links import Tunnels
from polycloud.deploy.render.promises import Promise
from polycloud.deploy.render.terraform import Root, identifier, times, variable

NAMES = st.text(min_size=1, max_size=12) | st.text(alphabet="ab-_.", min_size=1, max_size=5)
AWS, GCP, AZURE, OCI = (Where(f"{cloud}/one", cloud, "one", "DE") for cloud in ("aws", "gcp", "azure", "oci"))


@given(st.lists(NAMES, min_size=1, max_size=3), st.lists(NAMES, min_size=1, max_size=3))
def test_different_names_have_different_identifiers(some: list[str], others: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", identifier(*some))
    assert (identifier(*some) == identifier(*others)) == (some == others)


@pytest.mark.parametrize(
    ("parts", "found"),
    [(("us-east-1",), "us_east_1"), (("aws-main", "gpu"), "aws_main__gpu"), (("gpu",), "gpu")],
)
def test_plain_names_read_plainly(parts: tuple[str, ...], found: str) -> None:
    assert identifier(*parts) == found


def test_how_often_a_resource_is_made_is_said_first() -> None:
    root = Root("aws", Blueprint("x", "production", {}))
    root.about("a.tf", "What.", "here")
    section = root.section("a.tf", "aws/one", "here", "thing", {"region": "one"})
    address = section.make("aws_vpc", "this", {"name": "a", "count": 2}, monthly=times(2, 5), data_class="general")
    assert address == Expr("aws_vpc.this")
    text = root.rendered().files["terraform/aws/a.tf"]
    assert re.findall(r"^  (\w+) ", text, re.M) == ["count", "region", "name"]
    (made,) = root.rendered().resources
    assert (made.address, made.monthly, made.data_class) == ("aws/aws_vpc.this", 10, "general")


def test_what_is_not_known_costs_nothing_known() -> None:
    assert times(3, None) is None


def test_a_call_escapes_what_it_is_given() -> None:
    text = render([block("x", attributes={"a": Call("jsonencode", {"b": "${c}"}), "d": Call("toset", ["e"])})])
    assert text == 'x {\n  a = jsonencode({\n    b = "$${c}"\n  })\n  d = toset(["e"])\n}\n'


def test_inputs_without_a_default_are_asked_for() -> None:
    root = Root("aws", Blueprint("x", "production", {}))
    root.add("variables.tf", variable("a", "A."), variable("b", "B.", "list(string)", []))
    assert root.asked() == [("a", "string")]


def test_shipped_tests_give_what_is_asked_for() -> None:
    root = Root("aws", Blueprint("x", "production", {}))
    root.about("variables.tf", "What.", "here")
    root.add("variables.tf", variable("a", "A."), variable("b", "B.", "map(string)"), variable("c", "C.", "number"))
    promises.add(root, {"aws": ()}, {"holds": [Promise("true", 'It "must" ${hold}')], "empty": []}, {"b": {"x": "y"}})
    text = root.rendered().files["terraform/aws/tests/aws.tftest.hcl"]
    assert 'error_message = "It \\"must\\" $${hold}."' in text
    assert 'variables {\n  a = "example"\n  b = {\n    x = "y"\n  }\n  c = 1\n}' in text
    assert "empty" not in text


class Known:
    """A side whose addresses are known before its tunnels."""

    def __init__(self) -> None:
        self.asked: list[Tunnels] = []

    def addresses(self, site: Where) -> tuple[Expr, ...]:
        return (Expr(f"{site.cloud}0"), Expr(f"{site.cloud}1"))

    def tunnels(self, root: Root, blueprint: Blueprint, wanted: Tunnels) -> tuple[Expr, ...]:
        self.asked.append(wanted)
        return tuple(Expr(f"{wanted.here.cloud}-t{at}") for at in range(len(wanted.inside)))


class Maker(Known):
    """A side that gives an address to each tunnel when it is made."""

    def addresses(self, site: Where) -> tuple[Expr, ...]:
        return ()


def joined(*given: Link, **ends: Known) -> Root:
    whole = Blueprint("x", "production", {}, networks=networks([AWS, AZURE, GCP, OCI], {}), links=given)
    root = Root("global", whole)
    root.about("variables.tf", "What.", "links")
    links.join(root, whole, ends)
    return root


def test_who_makes_addresses_comes_first_and_the_other_meets_every_tunnel() -> None:
    aws, gcp = Maker(), Known()
    joined(Link("l", GCP, AWS, "vpn", 1000), aws=aws, gcp=gcp)
    ((first,), (second,)) = (aws.asked, gcp.asked)
    assert [address.text for address in first.peer_addresses] == ["gcp0", "gcp0", "gcp1", "gcp1"]
    assert [address.text for address in second.peer_addresses] == ["aws-t0", "aws-t1", "aws-t2", "aws-t3"]
    assert first.inside == second.inside and len(first.inside) == 4
    assert (first.first, second.first) == (True, False)
    assert first.peer_asn != second.peer_asn
    for cidr in first.inside:
        assert links.hosts(cidr, True) == links.hosts(cidr, False)[::-1]


def test_two_sides_with_known_addresses_have_two_tunnels() -> None:
    azure, gcp = Known(), Known()
    joined(Link("l", GCP, AZURE, "vpn", 1000), azure=azure, gcp=gcp)
    assert [a.text for a in gcp.asked[0].peer_addresses] in (["azure0", "azure1"], ["azure-t0", "azure-t1"])
    assert len(azure.asked[0].inside) == 2


def test_two_makers_meet_when_one_is_told_later() -> None:
    """The first begins with addresses that nobody has, no two links with the same; the second has the first's."""
    aws, oci = Maker(), Maker()
    both = (Link("k", OCI, AWS, "vpn", 1000), Link("l", AWS, OCI, "vpn", 1000))
    found = joined(*both, aws=aws, oci=oci)
    found.about("outputs.tf", "What.", "links")
    rendered = found.rendered()
    assert all("each want the other's address" in gap and "twice" in gap for gap in rendered.gaps)
    begun = [address.text for wanted in aws.asked for address in wanted.peer_addresses]
    assert begun[0] == 'try(var.vpn_addresses["k"][0], "192.0.2.1")' and len(set(begun)) == 4
    for first, second in zip(aws.asked, oci.asked, strict=True):
        assert first.later and first.first and not second.first and first.inside == second.inside
        assert [address.text for address in second.peer_addresses] == ["aws-t0", "aws-t2"]
    assert "k = [oci-t0, oci-t2]" in rendered.files["terraform/global/outputs.tf"]


def test_a_cloud_without_an_end_is_told() -> None:
    (gap,) = joined(Link("l", AWS, OCI, "vpn", 1000), aws=Maker()).rendered().gaps
    assert "no VPN between" in gap


def test_links_never_share_an_inner_address() -> None:
    many = tuple(Link(f"l{at:02}", AWS, GCP, "vpn", 1) for at in range(links.LINKS_MAX))
    whole = Blueprint("x", "production", {}, links=many)
    found = [cidr for link in many for cidr in links.inside(whole, link)]
    assert len(found) == len(set(found)) == 4 * links.LINKS_MAX
    fewer = Blueprint("x", "production", {}, links=many[1::3])
    alone = Blueprint("x", "production", {}, links=many[4:5])
    assert links.inside(fewer, many[4]) == links.inside(alone, many[4])  # it stays where it was
    more = Blueprint("x", "production", {}, links=(*many, Link("zz", AWS, GCP, "vpn", 1)))
    with pytest.raises(ValueError, match="33 VPNs"):
        links.inside(more, more.links[-1])


def test_a_hall_is_the_business_of_the_cloud_that_it_is_joined_to() -> None:
    hall = Where("onprem/hall", "onprem", "hall", "DE")
    whole = Blueprint("x", "production", {}, links=(Link("l", hall, AWS, "vpn", 1), Link("m", AWS, GCP, "exchange", 1)))
    assert links.vpns(whole) == ()
    assert [link.name for link, _, _ in links.touching(whole, "aws", "vpn")] == ["l"]


def test_a_link_within_a_cloud_is_that_clouds_business() -> None:
    other = Where("aws/two", "aws", "two", "DE")
    whole = Blueprint(
        "x", "production", {}, links=(Link("l", AWS, other, "vpn", 1), Link("m", AWS, other, "internet", 1))
    )
    assert links.vpns(whole) == links.touching(whole, "aws", "vpn") == ()
    assert [link.name for link in links.within(whole, "aws")] == ["l"]


def test_a_sites_number_follows_from_its_network() -> None:
    whole = Blueprint("x", "production", {}, networks=(Network(AWS, "10.17.0.0/16"),))
    assert links.asn(whole, AWS) == 64_529
    assert links.asn(whole, OCI) == links.ORACLE_ASN
