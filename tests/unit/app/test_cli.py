"""The command line: exit codes, output for people and programs, and errors that help."""

import json
import os
import socket
from pathlib import Path

import msgspec
import pytest

from polycloud.app.cli import litellm, main, sandbox, traffic, up
from polycloud.app.cli.estate import located
from polycloud.app.cli.instance import RUN_FILE, Lock, Run, nearest_instance, state_directory
from polycloud.app.cli.output import text
from polycloud.app.client import Answer, said
from polycloud.app.library import catalog
from polycloud.app.settings import BadSettings
from polycloud.sandbox.faults import KINDS

EXAMPLES = Path(main.__file__).parents[1] / "examples"
SANDBOX = str(EXAMPLES / "sandbox" / "estate.yaml")
BROKEN = "estate: x\nclouds: {aws: {sites: [us-east-1]}}\nmodels: {gpt-4o: {deployments: [{at: aws/us-east-2}]}}\n"


@pytest.mark.parametrize("example", ["sandbox", "oci-primary", "active-active", "hybrid-burst"])
def test_check_proves_the_examples(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["check", "-e", str(EXAMPLES / example / "estate.yaml")]) == 0
    assert capsys.readouterr().out.startswith("proved: ")


def test_check_of_a_broken_estate_tells_place_and_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(BROKEN)
    assert main.run(["check", "-e", str(file)]) == 2
    found = capsys.readouterr().err
    assert f"{file}:3:" in found
    assert "fix: " in found
    assert main.run(["check", "-e", str(file), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert not told["holds"]
    assert told["paths_proved"] == 0
    assert told["diagnostics"][0]["place"]["line"] == 3


def test_up_starts_nothing_for_a_broken_estate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "estate.yaml").write_text(BROKEN)
    assert main.run(["up", "-e", str(tmp_path / "estate.yaml")]) == 2
    assert "nothing was started" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["estate.yaml"]


def test_strict_counts_warnings(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(
        "estate: x\nclouds: {aws: {sites: [us-east-1]}}\nmodels: {own: {deployments: [{at: aws/us-east-1}]}}\n"
    )
    assert main.run(["check", "-e", str(file)]) == 0
    assert main.run(["check", "-e", str(file), "--strict"]) == 1


def test_explain_shows_the_rule_that_keeps_a_deployment_out(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "explain",
        "request",
        "-e",
        SANDBOX,
        "--model",
        "gpt-4o",
        "--class",
        "personal-eu",
        "--tools",
        "--json",
    ]
    assert main.run(arguments) == 0
    verdicts = {v["deployment"]: v for v in json.loads(capsys.readouterr().out)["verdicts"]}
    assert verdicts["azure/westeurope/gpt-4o"]["order"] == 1
    assert not verdicts["azure/eastus/gpt-4o"]["eligible"]
    assert "personal-eu" in verdicts["azure/eastus/gpt-4o"]["reasons"][0]


def test_explain_tells_shares_and_that_the_moment_does_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["explain", "request", "-e", SANDBOX, "--model", "claude-sonnet"]) == 0
    shown = capsys.readouterr()
    assert "--live asks the instance" in shown.err
    told = json.loads(_explained(capsys))
    assert ("shares: " in shown.out) == bool(told["shares"])
    assert told["live"] is False


def _explained(capsys: pytest.CaptureFixture[str]) -> str:
    assert main.run(["explain", "request", "-e", SANDBOX, "--model", "claude-sonnet", "--json"]) == 0
    return capsys.readouterr().out


def test_explain_of_a_refused_request_says_no(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["explain", "request", "-e", SANDBOX, "--model", "gpt-4o", "--class", "secret-de"]) == 1
    assert "refused [policy_denied]" in capsys.readouterr().out
    assert main.run(["explain", "request", "-e", SANDBOX, "--model", "gpt-4o", "--class", "secret"]) == 2
    assert "known: " in capsys.readouterr().err
    assert main.run(["explain", "request", "-e", SANDBOX, "--model", "gpt-4o", "--team", "nobody"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["usage"], ["keys", "list"], ["sites"], ["reload"], ["call", "m", "p"], ["sandbox", "sites"]],
)
def test_nothing_runs(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "estate.yaml").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    assert main.run(arguments) == 3
    assert "polycloud up" in capsys.readouterr().err


def test_no_estate_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.run(["check"]) == 2
    assert "polycloud init" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nope"], ["check", "--nope"], ["sites", "share", "aws/us-east-1", "120"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert main.run(arguments) == 2


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["chek"]) == 2
    assert "did you mean check?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        *(["--url", url] for url in ("ftp://x", "http://", "http://[::1", "http://127.0.0.1:99999", "http://h:x")),
        *(["--url", "http://127.0.0.1:9", name, text] for name in ("--key", "--class") for text in ("a\nb", "\u2028")),
    ],
)
def test_what_no_request_can_carry_is_a_line_and_no_traceback(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["call", "m", "hi", "--key", "k", *given]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1


def test_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    found = capsys.readouterr().out
    assert all(f"  {name} " in found for name in main.COMMANDS)
    assert "130  interrupted" in found


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([name, "--help"]) == 0
    assert "Usage: polycloud" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["completion", shell]) == 0
    assert "_POLYCLOUD_COMPLETE" in capsys.readouterr().out


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(BadSettings, match="name another with --port"):
            up.hold_port("127.0.0.1", other.getsockname()[1])


def test_a_held_port_is_shared_with_workers_only() -> None:
    with up.hold_port("127.0.0.1", 0) as held, socket.socket() as worker:
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        worker.bind(held.getsockname())
        worker.listen()
        with socket.create_connection(held.getsockname()):
            worker.accept()[0].close()


def test_one_instance_for_each_state_directory(tmp_path: Path) -> None:
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.take()
    with pytest.raises(BadSettings, match="already runs"):
        second.take()
    first.free()
    second.take()
    second.free()


def test_an_instance_of_somebody_else_in_a_folder_above_is_passed_over(tmp_path: Path) -> None:
    theirs, mine = tmp_path / ".polycloud", tmp_path / "mine"
    theirs.mkdir()
    mine.mkdir()
    (theirs / RUN_FILE).write_bytes(msgspec.json.encode(Run("http://127.0.0.1:1", os.getpid(), 0.0, "estate.yaml")))
    assert nearest_instance(mine) == theirs
    theirs.chmod(0)
    before = os.geteuid()
    try:
        if before == 0:  # who may read everything: be nobody for a moment
            os.seteuid(65534)
        assert nearest_instance(mine) is None
    finally:
        os.seteuid(before)
        theirs.chmod(0o700)


@pytest.mark.parametrize(
    "left", [b"", b"{", b"\xff", msgspec.json.encode(Run("http://127.0.0.1:1", 2**22 + 1, 0.0, "old.yaml"))]
)
def test_what_a_killed_instance_left_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: bytes
) -> None:
    """Else `check` would check the estate of then, and `up` could not start again."""
    (tmp_path / ".polycloud").mkdir()
    (tmp_path / ".polycloud" / RUN_FILE).write_bytes(left)
    (tmp_path / "estate.yaml").write_text("estate: x\n")
    monkeypatch.chdir(tmp_path)
    assert located(None) == tmp_path / "estate.yaml"


def test_the_state_stands_beside_the_estate(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").touch()
    assert state_directory(tmp_path / "estate.yaml", None) == tmp_path / ".polycloud"
    assert state_directory(None, tmp_path) == tmp_path
    assert RUN_FILE == "run.json"


def test_fault_kinds_are_those_of_the_sandbox() -> None:
    assert sandbox.KINDS == KINDS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"choices": [{"message": {"content": "a"}}]}, "a"),
        ({"choices": [{"delta": {"content": "b"}}]}, "b"),
        ({"choices": [{"delta": {}}]}, ""),
        ({"content": [{"type": "text", "text": "c"}, {"type": "tool_use"}]}, "c"),
        ({"type": "content_block_delta", "delta": {"text": "d"}}, "d"),
        ({"type": "message_stop"}, ""),
    ],
)
def test_the_text_of_an_answer(value: dict[str, object], expected: str) -> None:
    assert traffic.text_of(value) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "no", "fix": "do", "findings": ["x"]}}', "no\nx\n    fix: do"),
        (b'{"error": "plain"}', "plain"),
        (b"<html>", "<html>"),
        (b"", "status 500"),
    ],
)
def test_the_message_of_an_error(body: bytes, expected: str) -> None:
    assert said(Answer(500, {}, body)) == expected


def test_cells() -> None:
    cells = [None, "", True, 1234, 0.12345, 12345.6, ["a", "b"], {}]
    assert [text(cell) for cell in cells] == ["-", "-", "yes", "1,234", "0.1235", "12,346", "a, b", "-"]


LITELLM = {
    "model_list": [
        {
            "model_name": "gpt-4o",
            "litellm_params": {
                "model": "azure/mine",
                "base_model": "azure/gpt-4o",
                "api_base": "https://acme.openai.azure.com",
                "api_key": "os.environ/AZURE_API_KEY",
                "rpm": 5,
            },
        },
        {
            "model_name": "claude",
            "litellm_params": {"model": "bedrock/eu.anthropic.claude-sonnet-4-6", "aws_region_name": "eu-central-1"},
        },
        {
            "model_name": "flash",
            "litellm_params": {
                "model": "vertex_ai/gemini-3.8-flash",
                "vertex_project": "p",
                "vertex_location": "global",
            },
        },
        {
            "model_name": "local",
            "litellm_params": {"model": "openai/llama", "api_base": "http://h:8000/v1", "api_key": "sk-1"},
        },
        {"model_name": "direct", "litellm_params": {"model": "openai/gpt-4o"}},
        {"model_name": "other", "litellm_params": {"model": "cohere/x"}},
        "nonsense",
    ],
    "router_settings": {},
}


def test_a_litellm_configuration() -> None:
    made = litellm.convert(LITELLM, "e", catalog())
    rows = {name: model["deployments"][0] for name, model in made.estate["models"].items()}
    assert rows["gpt-4o"] == {"at": "azure/eastus", "upstream": "mine"}
    assert rows["claude"] == {"at": "aws/eu-central-1", "model": "claude-sonnet-4-6", "profile": "eu"}
    assert rows["flash"]["profile"] == "global"
    assert rows["local"] == {"at": "onprem/h", "model": "llama"}
    assert made.estate["secrets"] == {"azure-api-key": {"env": "AZURE_API_KEY"}}
    assert made.estate["clouds"]["azure"]["credentials"] == "secret:azure-api-key"
    notes = "\n".join(made.notes)
    for word in ("rpm", "plain text", "direct", "cohere", "model_list[6]", "router_settings", "eastus is assumed"):
        assert word in notes
    assert "sk-1" not in notes + str(made.estate)


def test_litellm_resources_that_are_named_after_their_region() -> None:
    def entry(region: str) -> dict[str, object]:
        params = {"model": "azure/mine", "api_base": f"https://acme-{region}.openai.azure.com/"}
        return {"model_name": "chat", "litellm_params": params, "model_info": {"base_model": "azure/gpt-4o"}}

    made = litellm.convert({"model_list": [entry("westeurope"), entry("eastus2")]}, "e", catalog())
    assert made.estate["clouds"]["azure"] == {"sites": ["westeurope", "eastus2"], "resource": "acme-{region}"}
    assert made.estate["models"]["chat"]["deployments"] == [
        {"at": "azure/westeurope", "model": "gpt-4o", "upstream": "mine"},
        {"at": "azure/eastus2", "model": "gpt-4o", "upstream": "mine"},
    ]


def test_litellm_claude_on_azure_is_not_said_to_be_anywhere() -> None:
    base = "https://acme-eastus2.services.ai.azure.com"
    params = {"model": "azure_ai/claude-opus-5-5", "api_base": base, "api_version": "2024-05-01"}
    rows = [{"model_name": "c", "litellm_params": params}]
    rows.append({"model_name": "m", "litellm_params": {**params, "model": "azure_ai/mistral-large"}})
    made = litellm.convert({"model_list": rows}, "e", catalog())
    claude = {"at": "azure/eastus2", "model": "claude-opus-5-5", "profile": "global"}
    assert made.estate["models"] == {"c": {"deployments": [claude]}}
    assert made.estate["clouds"]["azure"] == {"sites": ["eastus2"], "resource": "acme-{region}"}
    assert any("give hosting" in note for note in made.notes)
    assert any("'azure_ai' is none that this version serves" in note for note in made.notes)
    assert not any("api_version" in note for note in made.notes)


def test_init_from_litellm_passes_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "config.yaml"
    source.write_text(json.dumps(LITELLM))
    where = [str(tmp_path / "new"), "--from-litellm", str(source)]
    assert main.run(["init", *where]) == 2, "nobody said where the server stands"
    assert main.run(["init", *where, "--country", "de"]) == 0
    assert main.run(["check", "-e", str(tmp_path / "new" / "estate.yaml")]) == 0
    capsys.readouterr()
    assert main.run(["init", *where, "--country", "de"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main.run(["init", *where, "--country", "de", "--force"]) == 0


def test_init_refuses_a_name_that_no_estate_may_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["init", str(tmp_path), "--name", "a b"]) == 2
    assert "--name 'a b'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_init_takes_the_only_profile_that_a_model_has(tmp_path: Path) -> None:
    assert main.run(["init", str(tmp_path), "--cloud", "azure:eastus2", "--model", "claude-opus-5-5"]) == 0
    assert "profile: global" in (tmp_path / "estate.yaml").read_text()
    assert main.run(["check", "-e", str(tmp_path / "estate.yaml"), "--strict"]) == 0


def test_init_writes_an_estate_that_is_proved(tmp_path: Path) -> None:
    assert (
        main.run(
            ["init", str(tmp_path), "--cloud", "aws:eu-central-1", "--cloud", "gcp", "--model", "claude-sonnet-4-6"]
        )
        == 0
    )
    assert main.run(["check", "-e", str(tmp_path / "estate.yaml"), "--strict"]) == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--cloud", "aws:eu-centrl-1"], "eu-central-1"),
        (["--cloud", "ibm"], "known: aws"),
        (["--model", "claude-sonet"], "claude"),
    ],
)
def test_init_suggests(arguments: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["init", str(tmp_path), *arguments]) == 2
    assert hint in capsys.readouterr().err
    assert not (tmp_path / "estate.yaml").exists()


def test_sites_takes_its_options_without_a_command_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["sites", "--state", str(tmp_path)], ["sites", "--state", str(tmp_path), "list"]):
        assert main.run(arguments) == 3, "nothing runs there"
        assert f"does not run from {tmp_path}" in capsys.readouterr().err
    assert main.run(["sites", "-e", str(tmp_path / "none.yaml")]) == 2
    assert "does not exist" in capsys.readouterr().err
