"""Files to values: layers, includes, places, and what YAML may and may not mean here."""

from decimal import Decimal
from pathlib import Path

import pytest

from polycloud.core.money import Money
from polycloud.estate import Loaded, load
from polycloud.estate.files import MAX_INCLUDES
from polycloud.estate.source import MAX_DEPTH, MAX_FILE_BYTES


def write(folder: Path, text: str, name: str = "estate.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def codes(loaded: Loaded) -> list[str]:
    return [found.code for found in loaded.diagnostics]


def test_country_no_is_a_country_and_yes_is_text(tmp_path: Path) -> None:
    text = "estate: on\nonprem: {oslo: {country: NO}}\nteams: {yes: {owner: off, cost_centre: 0123, project: 42}}\n"
    estate = load(write(tmp_path, text)).estate
    assert estate is not None
    assert (estate.estate, estate.onprem["oslo"].country) == ("on", "NO")
    assert (estate.teams["yes"].owner, estate.teams["yes"].cost_centre, estate.teams["yes"].project) == (
        "off",
        "0123",
        "42",
    )


def test_dates_and_times_stay_text(tmp_path: Path) -> None:
    text = "estate: x\ncommitments: {c: {cloud: aws, kind: reserved, starts: 2026-01-31}}\ndescription: 12:30:45\n"
    estate = load(write(tmp_path, text)).estate
    assert estate is not None
    assert (estate.commitments["c"].starts, estate.description) == ("2026-01-31", "12:30:45")


def test_quantities_are_exact(tmp_path: Path) -> None:
    text = (
        "estate: x\nclouds: {aws: {sites: [us-east-1]}}\n"
        "routes: [{match: {model: m}, cap: 0.02 USD, shares: {aws/us-east-1: 33.3 %}, limits: {idle: 1.5s}}]\n"
        "teams: {a: {rate: 10/s, budget: {limit: '1,250.50 EUR'}}}\n"
        "datasets: {d: {size: 40 TB, rpo: 15m}, e: {size: 2 TiB}}\n"
    )
    estate = load(write(tmp_path, text)).estate
    assert estate is not None
    route = estate.routes[0]
    assert route.cap == Money(20_000)
    assert route.shares["aws/us-east-1"].value == Decimal("0.333")
    assert route.limits is not None and route.limits.idle is not None and route.limits.idle.value == Decimal("1.5")
    team = estate.teams["a"]
    assert team.rate is not None and team.rate.value == 600
    assert team.budget is not None and team.budget.limit == Money(1_250_500_000, "EUR")
    sizes = [dataset.size.value for dataset in estate.datasets.values() if dataset.size is not None]
    assert sizes == [40 * 10**12, 2 * 2**40]


@pytest.mark.parametrize(
    "amount", ["0,005 USD", "1,5 USD", "1,50,000 USD", "5__0 USD", "1_ USD", "\u0665 USD", "9999999999999 USD", "$5"]
)
def test_an_amount_that_could_be_read_in_two_ways_is_refused(tmp_path: Path, amount: str) -> None:
    text = f"estate: x\nroutes: [{{match: {{model: m}}, cap: '{amount}'}}]\n"
    assert codes(load(write(tmp_path, text))) == ["money_malformed"]


@pytest.mark.parametrize(
    ("key", "amount", "code"),
    [
        ("teams: {a: {rate: %s}}", "99999999999999999999/m", "unit_unknown"),
        ("teams: {a: {rate: %s}}", "\u0661/m", "unit_unknown"),
        ("traffic: {limits: {idle: %s}}", "9" * 400 + "s", "unit_unknown"),
        ("traffic: {limits: {idle: %s}}", "0s", "out_of_range"),
    ],
)
def test_an_amount_that_nothing_can_have_is_refused(tmp_path: Path, key: str, amount: str, code: str) -> None:
    assert codes(load(write(tmp_path, f"estate: x\n{key % amount}\n"))) == [code]


def test_marks_that_turn_what_is_read_are_refused_without_quotes_too(tmp_path: Path) -> None:
    assert codes(load(write(tmp_path, "estate: x\ndescription: a \u202eb\n"))) == ["form_wrong"]


def test_places_follow_values_through_files(tmp_path: Path) -> None:
    write(tmp_path, "models:\n  m:\n    deployments:\n      - {at: aws/us-east-1}\n", "parts/models.yaml")
    write(tmp_path, "clouds:\n  aws:\n    sites: [eu-west-1]\n", "estate.dev.yaml")
    path = write(tmp_path, "estate: x\ninclude: parts/models.yaml\nclouds:\n  aws:\n    sites: [us-east-1]\n")
    loaded = load(path, "dev")
    assert loaded.estate is not None
    assert [file.name for file in loaded.files] == ["estate.yaml", "models.yaml", "estate.dev.yaml"]
    at = loaded.place(("models", "m", "deployments", 0, "at"))
    assert (Path(at.file).name, at.line, at.column, at.path) == ("models.yaml", 4, 14, "models.m.deployments[0].at")
    site = loaded.place(("clouds", "aws", "sites", 0))
    assert (Path(site.file).name, site.line, site.column) == ("estate.dev.yaml", 3, 13)
    unwritten = loaded.place(("clouds", "aws", "role"))
    assert (Path(unwritten.file).name, unwritten.line) == ("estate.yaml", 4)


def test_a_layer_merges_maps_replaces_lists_and_removes(tmp_path: Path) -> None:
    base = "estate: x\nclouds: {aws: {role: primary, sites: [us-east-1]}, gcp: {project: p, sites: [us-east1]}}\n"
    write(
        tmp_path, "clouds: {aws: {sites: [eu-west-1, eu-west-2]}, gcp: null}\nenvironment: staging\n", "estate.s.yaml"
    )
    path = write(tmp_path, base)
    plain, layered = load(path).estate, load(path, "s").estate
    assert plain is not None and layered is not None
    assert plain.site_ids() == ("aws/us-east-1", "gcp/us-east1")
    assert layered.site_ids() == ("aws/eu-west-1", "aws/eu-west-2")
    assert layered.clouds.aws is not None and layered.clouds.aws.role == "primary"
    assert (plain.environment, layered.environment) == ("production", "staging")


def test_a_removal_that_removes_nothing_is_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "sandbx: null\n", "estate.live.yaml")
    loaded = load(write(tmp_path, "estate: x\nsandbox: {clouds: all}\n"), "live")
    assert codes(loaded) == ["layer_removes_nothing"]
    assert loaded.diagnostics[0].fix == "did you mean sandbox?"
    assert loaded.estate is None


def test_an_unknown_environment_names_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, "{}\n", "estate.production.yaml")
    loaded = load(write(tmp_path, "estate: x\n"), "prod")
    assert codes(loaded) == ["layer_missing"]
    assert loaded.diagnostics[0].fix == "did you mean production?"


@pytest.mark.parametrize("env", ["../secret", "", "a/b", "A", "dev\0"])
def test_an_environment_is_a_plain_word(tmp_path: Path, env: str) -> None:
    write(tmp_path, "estate: stolen\n", "secret.yaml")
    assert codes(load(write(tmp_path, "estate: x\n"), env)) == ["layer_missing"]


def test_included_files_split_and_never_override(tmp_path: Path) -> None:
    write(tmp_path, "teams: {b: {owner: B}}\nclouds: {aws: {role: primary}}\n", "b.yaml")
    path = write(
        tmp_path, "estate: x\ninclude: [b.yaml]\nteams: {a: {owner: A}}\nclouds: {aws: {sites: [us-east-1]}}\n"
    )
    estate = load(path).estate
    assert estate is not None and list(estate.teams) == ["a", "b"]
    assert estate.clouds.aws is not None and estate.clouds.aws.role == "primary"
    write(tmp_path, "teams: {a: {owner: C}}\n", "b.yaml")
    clash = load(path)
    assert codes(clash) == ["key_duplicate"]
    assert clash.diagnostics[0].message.startswith("teams.a.owner is already set at ")


@pytest.mark.parametrize("target", ["../outside.yaml", "link.yaml", "loop.yaml", "estate.yaml", "a\\0b", "."])
def test_an_include_can_not_leave_the_folder(tmp_path: Path, target: str) -> None:
    write(tmp_path, "teams: {stolen: {}}\n", "outside.yaml")
    folder = tmp_path / "inner"
    path = write(folder, f'estate: x\ninclude: ["{target}"]\n')
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    loaded = load(path)
    assert codes(loaded) in (["include_refused"], ["file_unreadable"], ["form_wrong", "include_refused"])
    assert loaded.diagnostics[0].place.line == 2
    assert loaded.estate is None


def test_included_files_include_nothing(tmp_path: Path) -> None:
    write(tmp_path, "include: [c.yaml]\nteams: {}\n", "b.yaml")
    assert codes(load(write(tmp_path, "estate: x\ninclude: [b.yaml]\n"))) == ["include_refused"]


def test_there_is_a_bound_on_includes(tmp_path: Path) -> None:
    names = ", ".join(f"f{index}.yaml" for index in range(MAX_INCLUDES + 1))
    assert codes(load(write(tmp_path, f"estate: x\ninclude: [{names}]\n"))) == ["include_refused"]


def test_every_file_is_read_even_when_one_is_broken(tmp_path: Path) -> None:
    write(tmp_path, "teams: {a: [\n", "a.yaml")
    write(tmp_path, "teams: {b: {ownr: me}}\n", "b.yaml")
    loaded = load(write(tmp_path, "estate: x\ninclude: [a.yaml, b.yaml]\nmodles: {}\n"))
    assert sorted(codes(loaded)) == ["key_unknown", "key_unknown", "yaml_syntax"]


def test_hostile_documents_are_bounded(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n"
    assert codes(load(write(tmp_path, bomb))) == ["yaml_too_large"]
    assert codes(load(write(tmp_path, "a: " + "[" * 100_000))) == ["yaml_too_deep"]
    assert codes(load(write(tmp_path, "a: " + "{a: " * 100_000))) == ["yaml_too_deep"]
    nest = "a: &a" + " [" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2) + "\nb: [[[[*a]]]]\n"
    assert "yaml_too_deep" in codes(load(write(tmp_path, nest)))
    assert codes(load(write(tmp_path, "a: &a [*a]\n"))) == ["yaml_alias"]
    assert codes(load(write(tmp_path, "#" * (MAX_FILE_BYTES + 1)))) == ["file_too_large"]


def test_an_alias_of_a_whole_value_is_fine(tmp_path: Path) -> None:
    text = "estate: x\nteams:\n  a: &common {owner: me, rate: 600/m}\n  b: *common\n"
    estate = load(write(tmp_path, text)).estate
    assert estate is not None and estate.teams["a"] == estate.teams["b"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        (b"", "estate_empty", 1, 1),
        (b"# nothing\n", "estate_empty", 1, 1),
        (b"- a\n", "type_wrong", 1, 1),
        (b"estate: x\n---\nestate: y\n", "yaml_documents", 2, 1),
        (b"estate: \xff\n", "yaml_syntax", 1, 9),
        (b"estate: x\ndescription: a\x00b\n", "yaml_syntax", 2, 15),
        (b'estate: "\\ud800"\n', "yaml_syntax", 1, 12),
        (b"%YAML 9.9\n---\nestate: x\n", "yaml_syntax", 1, 1),
        (b"estate: *nope\n", "yaml_alias", 1, 9),
        (b"estate: @x\n", "yaml_syntax", 1, 9),
    ],
)
def test_what_is_no_estate_has_a_place(tmp_path: Path, text: bytes, code: str, line: int, column: int) -> None:
    path = tmp_path / "estate.yaml"
    path.write_bytes(text)
    (found,) = load(path).diagnostics
    assert (found.code, found.place.line, found.place.column) == (code, line, column)


def test_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_bytes(b"\xef\xbb\xbfestate: x\r\nteams:\r\n  a: {owner: me}\r\n")
    loaded = load(path)
    assert loaded.estate is not None
    assert loaded.place(("teams", "a", "owner")).line == 3


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        (found,) = load(path).diagnostics
        assert (found.code, found.place.file) == ("file_unreadable", str(path))
