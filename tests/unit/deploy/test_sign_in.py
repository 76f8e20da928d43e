"""How people sign in, as derived from the estate, and the report that compares what clouds grant."""

from pathlib import Path

import msgspec
import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint, Principal, Proof, SignIn
from polycloud.deploy.derive import derive
from polycloud.deploy.derive.identity import SESSION_SECONDS, sign_in
from polycloud.deploy.render.identity_report import FILE, Row, Step, Told, Words, render
from polycloud.estate import Estate, check, load

TEXT = """
estate: people
clouds: {{aws: {{sites: [eu-west-1]}}, gcp: {{sites: [europe-west1]}}}}
datasets:
  logs: {{at: aws/eu-west-1, size: 1 TB, replicate_to: [gcp/europe-west1]}}
roles:
  readers: {{members: ["group:readers", "team:desk"], can: [{{do: [read]}}]}}
teams: {{desk: {{}}}}
identity:
  sso: {{issuer: "{issuer}", client_id: one{more}}}
"""


def blueprint(folder: Path, issuer: str, more: str = "") -> Blueprint:
    (folder / "estate.yaml").write_text(TEXT.format(issuer=issuer, more=more))
    loaded = load(folder / "estate.yaml", None)
    assert loaded.estate is not None, loaded.diagnostics
    return derive(loaded.estate, Catalog.load(), Market.load())


def derived(folder: Path, issuer: str, more: str = "") -> SignIn:
    found = blueprint(folder, issuer, more).sign_in
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("issuer", "provider"),
    [
        ("https://people.okta.com", "okta"),
        ("https://people.okta.com/oauth2/default", "okta"),
        ("https://people.eu.auth0.com/", "auth0"),
        ("https://login.microsoftonline.com/0/v2.0", "entra"),
        ("https://auth.pingone.eu/1/as", "ping"),
        ("https://id.people.example", "other"),
        ("https://okta.com.people.example", "other"),
        ("https://notokta.com", "other"),
    ],
)
def test_the_issuers_address_tells_the_provider(issuer: str, provider: str, tmp_path: Path) -> None:
    assert derived(tmp_path, issuer).provider == provider


def test_the_estate_may_name_the_provider_of_an_address_of_the_companys_own(tmp_path: Path) -> None:
    found = derived(tmp_path, "https://id.people.example", ", provider: okta")
    assert found.provider == "okta"
    assert found.proof == Proof("amr", ("mfa",))


def test_what_the_estate_leaves_out_is_what_the_provider_does(tmp_path: Path) -> None:
    found = derived(tmp_path, "https://people.auth0.com/")
    assert found.proof == Proof("amr", ("mfa",))
    assert (found.subject, found.email, found.groups, found.department) == ("sub", "email", "groups", "")
    assert found.session_seconds == SESSION_SECONDS
    assert derived(tmp_path, "https://login.microsoftonline.com/0/v2.0").proof is None


def test_what_the_estate_says_of_the_factor_holds_for_every_provider(tmp_path: Path) -> None:
    more = ", second_factor: {claim: acr, values: [strong], session_tag: factor}, session: 90m"
    found = derived(tmp_path, "https://auth.pingone.eu/1/as", more)
    assert found.proof == Proof("acr", ("strong",), "factor")
    assert found.session_seconds == 5400
    off = derived(tmp_path, "https://people.okta.com", ", require_second_factor: false, second_factor: {}")
    assert off.proof is None and not off.second_factor


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (", session: 30m", "out_of_range"),
        (", session: 13h", "out_of_range"),
        (', groups_claim: "g\'] || true"', "name_malformed"),
        (", claims: {department: 'x${y}'}", "name_malformed"),
        (", second_factor: {values: []}", "count_wrong"),
        (", second_factor: {values: [\"a' || 'b\"]}", "name_malformed"),
    ],
)
def test_words_that_no_cloud_could_take_are_refused_with_their_place(more: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(TEXT.format(issuer="https://people.okta.com", more=more))
    found = check(load(tmp_path / "estate.yaml", None), Catalog.load())
    assert [one.code for one in found if one.severity == "error"] == [code]


def test_an_estate_without_sign_in_has_none() -> None:
    assert sign_in(Estate(estate="plain")) is None


def said(rows: list[Row]) -> Words:
    steps = (Step("turn | it <on>", "Nobody else can.", "do it\nnow"),)
    return Words(lambda here: rows, lambda here, how: Told("a door", "here", "4 hours", (("groups", "g"),), steps))


def test_the_report_compares_clouds_only_where_both_were_meant_to_say_something(tmp_path: Path) -> None:
    whole = blueprint(tmp_path, "https://people.okta.com")
    alike = Row("readers", "read", "dataset/logs", "reads", gives=("read",))
    wide = Row("readers", "read", "dataset/logs", "does all", "writing too", gives=("read", "write"))
    same = render(whole, {"aws": said([alike]), "gcp": said([alike])}).files[FILE]
    assert "Every role may do the same" in same
    text = render(whole, {"aws": said([alike]), "gcp": said([wide])}).files[FILE]
    assert "| readers | read | granted | granted, and more |" in text
    assert "| readers | write |  | granted, not meant |" in text
    none = Row("readers", "read", "dataset/logs", "-", lacks="all of it")
    text = render(whole, {"aws": said([alike]), "gcp": said([none])}).files[FILE]
    assert "| readers | read | granted | not granted |" in text


def test_texts_do_not_break_out_of_their_lines(tmp_path: Path) -> None:
    whole = blueprint(tmp_path, "https://people.okta.com")
    hostile = msgspec.structs.replace(whole, principals=(Principal("a|b\n-->", ("team:x|y",), ()),))
    found = render(hostile, {"aws": said([Row("a|b\n-->", "read", "<script>", "w")])})
    text = found.files[FILE]
    assert "\n-->" not in text.partition("-->")[2]
    assert "a\\|b" in text and "<script>" not in text


def test_the_steps_of_clouds_where_people_have_rights_are_gaps(tmp_path: Path) -> None:
    whole = blueprint(tmp_path, "https://people.okta.com")
    found = render(whole, {"aws": said([]), "azure": said([])})  # nothing of the estate is at azure
    assert found.gaps == ("people at aws: turn | it <on>",)
    assert "1. aws: turn \\| it &lt;on>. Nobody else can." in found.files[FILE]
    assert "       do it\n       now" in found.files[FILE]


def test_an_estate_without_roles_and_sign_in_has_no_report(tmp_path: Path) -> None:
    whole = blueprint(tmp_path, "https://people.okta.com")
    assert render(msgspec.structs.replace(whole, sign_in=None, principals=()), {}).files == {}
