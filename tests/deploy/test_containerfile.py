"""The image: what the Containerfile promises, and that the chart's pods run it as it was made."""

import re
import shutil
from pathlib import Path

from polycloud.deploy.render import helm
from tests.deploy import checkers
from tests.deploy.estates import blueprint

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Containerfile"
EXCEPTIONS = (
    "CKV_DOCKER_7",
)  # a tag of the base: it is pinned in the argument that the stages take, which is tested here


def instructions() -> list[tuple[str, str]]:
    """Each instruction with what follows it, lines joined."""
    text = re.sub(r"^#.*\n", "", FILE.read_text("utf8"), flags=re.M).replace("\\\n", " ")
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line.strip()]


def test_nobody_is_root_and_every_package_is_checked() -> None:
    found = instructions()
    said = [rest for word, rest in found if word == "USER"]
    assert said[-1] == "65532:65532"
    assert all(":latest" not in rest and re.search(r"[:@]|\$\{BASE\}", rest) for word, rest in found if word == "FROM")
    bases = [rest for word, rest in found if word == "ARG" and rest.startswith("BASE=")]
    assert bases and all(re.fullmatch(r"BASE=[a-z.]+/[a-z/]+:\d+\.\d+\.\d+-[a-z-]+", base) for base in bases)
    for _, rest in found:
        for command in re.findall(r"pip install [^&]*", rest):
            assert "--require-hashes" in command or "--no-deps" in command
        assert not re.search(r"(password|secret|token)\s*=", rest, re.I)
    assert not [word for word, _ in found if word == "ADD"]


def test_what_is_copied_is_there_and_let_in() -> None:
    let_in = [line[1:] for line in (ROOT / ".containerignore").read_text("utf8").splitlines() if line.startswith("!")]
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source.removeprefix("./")).exists(), source
                assert source.removeprefix("./") in let_in, source


def test_the_chart_runs_it_as_it_was_made() -> None:
    template = helm.render(blueprint("sandbox")).files["helm/polycloud/templates/statefulset.yaml"]
    assert "runAsUser: 65532" in template and "runAsGroup: 65532" in template
    (command,) = [rest for word, rest in instructions() if word == "CMD"]
    for path in ("/etc/polycloud/estate.yaml", "/var/lib/polycloud"):
        assert path in command and path in template
    (port,) = [rest for word, rest in instructions() if word == "EXPOSE"]
    assert f"containerPort: {port}" in template


def test_checkov_finds_nothing_in_it(tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path / "Dockerfile")
    assert checkers.checkov(tmp_path, EXCEPTIONS, "dockerfile") == []
