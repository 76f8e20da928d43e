"""How an estate comes into force, and why another does not."""

import pathlib

import pytest

from polycloud.app.control.control import demo_key
from polycloud.app.control.estates import Estates, Sandboxed, enforceable
from polycloud.app.wiring import sandbox_spec
from polycloud.catalog import Catalog
from polycloud.core.errors import EstateError, Unavailable
from polycloud.core.ports.models import Credential
from polycloud.estate import load
from polycloud.policy.tables import decode

EXAMPLES = sorted((pathlib.Path(__file__).parents[3] / "polycloud/app/examples").glob("*/estate.yaml"))


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


class FakeSandbox:
    def __init__(self):
        self.addresses, self.served, self.secret, self.away = {}, {}, "one", False

    def endpoints(self):
        if self.away:
            raise Unavailable("away")
        return dict(self.addresses)

    def models(self):
        return dict(self.served)

    def credentials(self):
        return {"aws": Credential("bearer", {"token": self.secret})}


def everywhere(estate):
    return dict.fromkeys(estate.site_ids(), "http://127.0.0.1:1")


def test_a_good_estate_is_compiled_and_proved(estate_file, clock, log):
    estates = Estates(estate_file, None, Sandboxed(None), clock, log)
    new = estates.load()
    assert new.paths_proved > 0
    assert decode(new.data) == new.tables
    assert estates.current is None
    estates.take(new)
    assert estates.current is new


def test_a_bad_estate_changes_nothing_and_every_finding_is_kept(estate_file, clock, log):
    estates = Estates(estate_file, None, Sandboxed(None), clock, log)
    estates.take(estates.load())
    before = estates.current
    text = estate_file.read_text()
    estate_file.write_text(
        text.replace("stay_in: [DE]", "stay_in: [XX]").replace("classes: [personal]", "classes: [p]")
    )
    with pytest.raises(EstateError) as caught:
        estates.load()
    estates.refuse(caught.value)
    assert estates.current is before
    assert {"XX", "p"} <= {word for d in estates.refused for word in d.message.split("'")}
    assert all(d.place.line > 1 for d in estates.refused)
    assert "\n" not in estates.refusal
    first = next(d for d in estates.refused if d.severity == "error")
    assert f"{first.place}: error[{first.code}]" in estates.refusal
    estate_file.write_text(text)
    estates.take(estates.load())
    assert estates.refusal == ""
    assert estates.current.tables.version == before.tables.version


def test_changes_of_files_are_seen_new_ones_too(estate_file, clock, log):
    estates = Estates(estate_file, None, Sandboxed(None), clock, log)
    assert estates.changed()
    estates.load()
    assert not estates.changed()
    estate_file.write_text(estate_file.read_text() + "# more\n")
    assert estates.changed()
    estates.load()
    assert not estates.changed()
    (estate_file.parent / "estate.live.yaml").write_text("description: live\n")
    assert estates.changed()
    estates.load()
    estate_file.unlink()
    assert estates.changed()
    with pytest.raises(EstateError):
        estates.load()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_a_sandbox_that_lacks_a_site_never_sends_to_the_real_cloud(path, catalog):
    loaded = load(path)
    endpoints = everywhere(loaded.estate)
    tables = enforceable(loaded, catalog, endpoints, 1_800_000_000.0).tables
    assert {d.upstream.base_url.split("/")[2] for d in tables.deployments if d.simulated} == {"127.0.0.1:1"}
    gone = next(d.site for d in tables.deployments if d.simulated)
    del endpoints[gone]
    with pytest.raises(EstateError, match=gone):
        enforceable(loaded, catalog, endpoints, 1_800_000_000.0)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_the_sandbox_serves_every_simulated_deployment(path, catalog):
    loaded = load(path)
    tables = enforceable(loaded, catalog, everywhere(loaded.estate), 1_800_000_000.0).tables
    spec = {site.site: site for site in sandbox_spec(loaded.estate, tables).sites}
    for deployment in tables.deployments:
        if deployment.simulated:
            bought = deployment.upstream.options.get("endpoint")
            assert (bought or deployment.upstream.model) in spec[deployment.site].models


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_a_model_that_the_running_sandbox_lacks_is_told_before_it_is_called(path, catalog, clock, log):
    sandbox = FakeSandbox()
    estate = load(path).estate
    sandbox.addresses = everywhere(estate)
    tables = enforceable(load(path), catalog, sandbox.addresses, 1_800_000_000.0).tables
    sandbox.served = {site.site: site.models for site in sandbox_spec(estate, tables).sites}
    estates = Estates(path, None, Sandboxed(sandbox), clock, log)
    assert estates.load().tables == tables
    first = tables.deployments[0]
    sandbox.served[first.site] = sandbox.served[first.site][1:]
    with pytest.raises(EstateError, match=f"the running sandbox does not serve {first.id}"):
        estates.load()


def test_a_sandbox_that_came_back_elsewhere_is_noticed(catalog):
    sandbox = FakeSandbox()
    sandboxed = Sandboxed(sandbox)
    assert not sandboxed.moved()
    estate = load(EXAMPLES[-1]).estate
    sandbox.addresses = {"a/b": "http://1"}
    assert sandboxed.endpoints(estate) == {"a/b": "http://1"}
    assert not sandboxed.moved()
    sandbox.secret = "two"
    assert sandboxed.moved()
    sandboxed.endpoints(estate)
    sandbox.addresses = {"a/b": "http://2"}
    assert sandboxed.moved()
    sandbox.away = True
    assert not sandboxed.moved()
    with pytest.raises(Unavailable):
        sandboxed.endpoints(estate)


def test_the_demo_key_needs_a_wholly_simulated_estate_and_a_loopback_address(catalog, tmp_path):
    path = next(p for p in EXAMPLES if p.parent.name == "sandbox")
    loaded = load(path)
    current = enforceable(loaded, catalog, everywhere(loaded.estate), 1_800_000_000.0)
    principal, said = demo_key(current, "127.0.0.1")
    assert (principal.team, said) == ("demo", "in force")
    none, said = demo_key(current, "0.0.0.0")
    assert none is None
    assert "loopback" in said
    mixed = tmp_path / "estate.yaml"
    mixed.write_text(path.read_text().replace("clouds: all", "clouds: [aws, gcp, oci, onprem]"))
    loaded = load(mixed)
    none, said = demo_key(enforceable(loaded, catalog, everywhere(loaded.estate), 1_800_000_000.0), "127.0.0.1")
    assert none is None
    assert "azure is real" in said
    assert demo_key(None, "127.0.0.1") == (None, "")


def test_what_was_in_force_is_kept_for_a_process_that_finds_a_bad_estate(estate_file, clock, log, tmp_path, caplog):
    kept = tmp_path / "kept.json"

    def anew(path=estate_file, environment=None):
        return Estates(path, environment, Sandboxed(None), clock, log, kept)

    first = anew()
    assert first.last() is None
    first.take(first.load())
    first.keep(first.current)
    assert kept.stat().st_mode & 0o077 == 0
    estate_file.write_text("estate: [")
    again = anew()
    with pytest.raises(EstateError) as caught:
        again.load()
    again.refuse(caught.value)
    again.stand_in(again.last())
    assert again.current.kept and again.current.tables.version == first.current.tables.version
    assert again.refusal and "estate.kept" in caplog.text
    assert anew(environment="live").last() is None and anew(path=tmp_path / "other.yaml").last() is None
    kept.write_text(kept.read_text().replace('"stay_in"', '"stay_inn"'))
    assert anew().last() is None
    kept.write_bytes(b"{")
    assert anew().last() is None
