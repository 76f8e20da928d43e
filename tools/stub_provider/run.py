"""Runs Terraform against stub providers.

    python -m tools.stub_provider.run [--schemas FOLDER] -- terraform plan      a command with the providers attached

From Python: ``with stub(folder) as env: subprocess.run(["terraform", "plan"], env=env)``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.stub_provider.schema import source_of

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".tools" / "checks" / "bin" / "python"
SCHEMAS = ROOT / ".tools" / "schemas"
KIND = re.compile(r'^\s*(?:resource|data|mock_resource|mock_data|override_resource|override_data)\s+"(\w+)"', re.M)
TARGET = re.compile(r"^\s*(?:to|from|target)\s*=\s*(?:module\.\w+\.)*(?:data\.)?(\w+)\.", re.M)
STOP_SECONDS = 10


class NotInstalled(RuntimeError):
    """The stub providers are not there: `make tools` installs them."""


def kinds_in(folder: Path) -> set[str]:
    """The types of resources and data sources that the Terraform files below a folder name."""
    kinds: set[str] = set()
    for pattern in ("*.tf", "*.tftest.hcl"):
        for path in folder.rglob(pattern):
            text = path.read_text("utf8")
            kinds.update(KIND.findall(text), TARGET.findall(text))
    return kinds


@contextmanager
def stub(kinds: set[str] | None = None, schemas: Path = SCHEMAS) -> Iterator[dict[str, str]]:
    """The environment for Terraform commands, in which all providers of ``schemas`` are attached.

    Serves the resources and data sources of ``kinds`` alone (None: all, which costs each command a second or two).
    Raises NotInstalled without `make tools`.
    """
    sources = {path.stem: source_of(path.stem) for path in sorted(schemas.glob("*.json"))}
    if not sources or not PYTHON.exists():
        raise NotInstalled("run `make tools` for the provider schemas")
    sources["oci"] = source_of("oci")
    with tempfile.TemporaryDirectory(prefix="stub") as sockets:
        server = subprocess.Popen(
            [str(PYTHON), "-m", "tools.stub_provider.server", str(schemas), sockets, *sources],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(schemas)])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                server.stdin.write(" ".join(sorted(kinds or ())) + "\n")
                server.stdin.flush()
                if server.stdout.readline() != "ready\n":
                    raise RuntimeError("the stub providers did not start")
                yield {**quiet(), "TF_REATTACH_PROVIDERS": attached(sources, sockets, server.pid)}
            finally:
                server.stdin.close()
                try:
                    server.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    server.kill()


def quiet() -> dict[str, str]:
    """This process' environment, but with Terraform neither asking, nor calling home, nor reading a user's settings."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TF_")},
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
    }


def attached(sources: Mapping[str, str], sockets: str, pid: int) -> str:
    """The value of TF_REATTACH_PROVIDERS; with "Test", Terraform leaves the server running."""
    return json.dumps(
        {
            f"registry.terraform.io/{source}": {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": pid,
                "Test": True,
                "Addr": {"Network": "unix", "String": f"{sockets}/{name}.sock"},
            }
            for name, source in sources.items()
        }
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--schemas", type=Path, default=SCHEMAS)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(arguments)
    with stub(kinds_in(Path.cwd()) or None, given.schemas) as env:
        return subprocess.run(given.command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
