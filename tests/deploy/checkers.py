"""Rendered files under the real tools: one function for each, which says what the tool complains of.

A checker returns what is wrong, one line a fault, and nothing when all is well; those that build something return the
text and raise Broken. A tool that is not installed skips the test and says how to get it. Nothing is written into the
folder that is checked.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.stub_provider import oci
from tools.stub_provider.run import SCHEMAS, NotInstalled, kinds_in, quiet, stub

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TOOLS = ROOT / ".tools"
TOOL_SECONDS = 110  # under the 120 s of a test
# The fields of Kueue, KServe and the inference extension that are rendered: no package publishes their definitions.
# Compared with those of kubernetes-sigs/kueue (2026-08-22) and kserve/kserve (2026-08-21): no field is ours alone.
OWN_SCHEMAS: dict[str, Any] = json.loads((HERE / "custom_resources.json").read_text("utf8"))
PACKAGES = {  # API group -> the package with its schemas
    "acme.cert-manager.io": "cert-manager",
    "argoproj.io": "argo-cd",
    "cert-manager.io": "cert-manager",
    "extensions.istio.io": "istio",
    "external-secrets.io": "external-secrets",
    "gateway.networking.k8s.io": "gateway-api",
    "karpenter.k8s.aws": "karpenter",
    "karpenter.sh": "karpenter",
    "keda.sh": "keda",
    "monitoring.coreos.com": "prometheus-operator",
    "networking.istio.io": "istio",
    "security.istio.io": "istio",
    "telemetry.istio.io": "istio",
}
WORKFLOWS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")
BUILT_IN_GROUPS_END = ".k8s.io"  # all others with a dot are somebody else's; so are those above
Findings = list[str]
Document = dict[str, Any]


class Broken(AssertionError):
    """The tool could not build anything from the files."""


def tool(*candidates: str | Path, make: str = "tools") -> str:
    """The first of these programs that is there; without any, the test is skipped."""
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return found
    pytest.skip(f"{Path(candidates[0]).name} is not installed: run `make {make}`")


def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TOOL_SECONDS, **options)


def complaints(done: subprocess.CompletedProcess[str]) -> Findings:
    """What a tool said, where its exit code says that something is wrong."""
    if done.returncode == 0:
        return []
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or [f"exit {done.returncode}"]


# Terraform


def terraform_engines(folder: Path | None = None) -> list[list[str]]:
    """How to call each Terraform that is here: the one on the path, and the newer one of a package; of a root module
    in ``folder`` only those that it lets in."""
    library = TOOLS / "terraform" / "bin" / "python"
    found = [[path] for path in [shutil.which("terraform")] if path]
    if library.exists():
        found.append([str(library), str(ROOT / "tools" / "terraform.py")])
    wanted = required_version(folder) if folder is not None else None
    if wanted is None:
        return found
    specifiers = pytest.importorskip("packaging.specifiers")
    return [engine for engine in found if version(tuple(engine)) in specifiers.SpecifierSet(wanted)]


def required_version(folder: Path) -> str | None:
    """The versions of Terraform that a root module lets in."""
    texts = (path.read_text("utf8") for path in sorted(folder.glob("*.tf")))
    said = [found[1] for text in texts if (found := re.search(r'required_version\s*=\s*"([^"]*)"', text))]
    return said[0] if said else None


@cache
def version(engine: tuple[str, ...]) -> str:
    found = re.search(r"Terraform v(\S+)", run([*engine, "version"], env=quiet()).stdout)
    assert found is not None, engine
    return found[1]


def engine(folder: Path | None = None) -> list[str]:
    engines = terraform_engines(folder)
    if not engines:
        pytest.skip(
            f"no terraform {(required_version(folder) if folder else None) or ''} is installed: run `make tools`"
        )
    return engines[0]


@contextmanager
def workspace(folder: Path, variables: Mapping[str, Any] | None = None, within: Path | None = None) -> Iterator[Path]:
    """A copy of a root module whose state stays beside it, with these variables set.

    ``within`` is the folder above that holds the modules which it calls, where there are any.
    """
    with tempfile.TemporaryDirectory(prefix="tf") as directory:
        top = (within or folder).resolve()
        shutil.copytree(top, Path(directory) / top.name, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        copy = Path(directory) / top.name / folder.resolve().relative_to(top)
        (copy / "zz_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        if variables:
            (copy / "zz.auto.tfvars.json").write_text(json.dumps(variables))
        yield copy


def terraform_fmt(folder: Path) -> Findings:
    return complaints(run([*engine(), "fmt", "-check", "-recursive", "-diff", "-no-color", str(folder)], env=quiet()))


@contextmanager
def providers(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which Terraform finds stub providers for all that a root module names."""
    try:
        with stub(kinds_in(folder)) as env:
            yield env
    except NotInstalled as missing:
        pytest.skip(str(missing))


def terraform_validate(folder: Path, with_engine: Sequence[str] | None = None, within: Path | None = None) -> Findings:
    """``terraform init`` and ``validate`` of one root module; warnings count."""
    terraform = [*(with_engine or engine(folder))]
    with workspace(folder, within=within) as copy, providers(within or folder) as env:
        started = run([*terraform, "init", "-no-color"], cwd=copy, env=env)
        if started.returncode:
            return complaints(started)
        done = run([*terraform, "validate", "-json", "-no-color"], cwd=copy, env=env)
    found = json.loads(done.stdout)["diagnostics"]
    return [f"{place(diagnostic)}{diagnostic['summary']}: {diagnostic.get('detail', '')}" for diagnostic in found]


def place(diagnostic: Mapping[str, Any]) -> str:
    span = diagnostic.get("range")
    return f"{span['filename']}:{span['start']['line']}: " if span else ""


@dataclass
class Roundtrip:
    """What became of plan, apply and a second plan."""

    findings: Findings = field(default_factory=list)
    plan: dict[str, Any] = field(default_factory=dict)  # as `terraform show -json` gives it
    state: dict[str, Any] = field(default_factory=dict)


def terraform_roundtrip(
    folder: Path,
    variables: Mapping[str, Any] | None = None,
    with_engine: Sequence[str] | None = None,
    within: Path | None = None,
) -> Roundtrip:
    """Plan, apply and plan again, which must find nothing left to do."""
    terraform = [*(with_engine or engine(folder))]
    result = Roundtrip()
    steps = (
        ["init", "-no-color"],
        ["plan", "-no-color", "-out", "plan"],
        ["show", "-json", "plan"],
        ["apply", "-no-color", "plan"],
        ["show", "-json"],
        ["plan", "-no-color", "-detailed-exitcode"],
    )
    with workspace(folder, variables, within) as copy, providers(within or folder) as env:
        for step in steps:
            done = run([*terraform, *step], cwd=copy, env=env)
            if done.returncode:
                result.findings = [f"terraform {step[0]}:", *complaints(done)]
                return result
            if step == ["show", "-json", "plan"]:
                result.plan = json.loads(done.stdout)
            elif step == ["show", "-json"]:
                result.state = json.loads(done.stdout)
    return result


def terraform_test(folder: Path, within: Path | None = None) -> Findings:
    """The tests that are shipped with a root module (``*.tftest.hcl``); none at all is a fault too."""
    if not [*folder.rglob("*.tftest.hcl")]:
        return ["no test is shipped"]
    with workspace(folder, within=within) as copy, providers(within or folder) as env:
        started = run([*engine(folder), "init", "-no-color"], cwd=copy, env=env)
        return complaints(started) or complaints(run([*engine(folder), "test", "-no-color"], cwd=copy, env=env))


def terraform_pins(folder: Path) -> Findings:
    """Versions that a root module does not let in though its files were checked against them.

    Terraform does not compare the version of a provider that is attached, so this does.
    """
    specifiers, checked = pytest.importorskip("packaging.specifiers"), checked_versions()
    text = "\n".join(path.read_text("utf8") for path in sorted(folder.glob("*.tf")))
    found = []
    for source, pin in re.findall(r'source\s*=\s*"([\w-]+/[\w-]+)"(?:\s+version\s*=\s*"([^"]*)")?', text):
        version = checked.get(source)
        if version is None:
            found.append(f"{source}: no schema of it was checked against")
        elif not pin:
            found.append(f"{source}: not pinned")
        elif version not in specifiers.SpecifierSet(pin.replace("~> ", "~=").replace("~>", "~=")):
            found.append(f'{source}: "{pin}" does not let in {version}')
    return found


def checked_versions() -> dict[str, str]:
    """The source of each provider that is served here, with the version that its schema is of."""
    published = [json.loads(path.read_bytes()) for path in sorted(SCHEMAS.glob("*.json"))]
    if not published:
        pytest.skip("the provider schemas are not installed: run `make tools`")
    return {provider["source"]: provider["version"] for provider in [*published, oci.provider()]}


def checkov(folder: Path, skip: Sequence[str] = (), framework: str = "terraform") -> Findings:
    """Checkov's findings that are not in ``skip`` (names of its checks)."""
    program = tool(TOOLS / "checkov" / "bin" / "checkov", make="tools-deploy")
    command = [program, "-d", str(folder), "--framework", framework, "--output", "json", "--quiet", "--compact"]
    if skip:
        command += ["--skip-check", ",".join(skip)]
    done = run([*command, "--skip-download"], env=quiet())
    reports = json.loads(done.stdout)
    found = []
    for report in reports if isinstance(reports, list) else [reports]:
        # Where it found nothing to check at all, it gives counts alone.
        counts, results = report.get("summary", report), report.get("results", {})
        if not counts["passed"] + counts["failed"]:
            found.append("nothing was found to check")
        found += [f"{name}: could not be read" for name in results.get("parsing_errors", [])]
        for failed in results.get("failed_checks", []):
            found.append(f"{failed['check_id']} {failed['resource']} ({failed['check_name']}) {failed['file_path']}")
    return found


# Kubernetes


def kustomize_build(folder: Path) -> str:
    done = run([tool(TOOLS / "kubernetes" / "kubectl", "kubectl"), "kustomize", str(folder)])
    if done.returncode:
        raise Broken(done.stderr)
    return done.stdout


def helm_lint(folder: Path) -> Findings:
    return complaints(run([tool(TOOLS / "kubernetes" / "helm", "helm"), "lint", "--strict", str(folder)]))


def helm_template(folder: Path, values: Mapping[str, Any] | None = None, version: str = "1.35") -> str:
    """The chart's resources for a version of Kubernetes, with these values over its own."""
    helm = tool(TOOLS / "kubernetes" / "helm", "helm")
    command = [helm, "template", "check", str(folder), "--kube-version", version, "--values", "-"]
    done = run(command, input=json.dumps(dict(values or {})))
    if done.returncode:
        raise Broken(done.stderr)
    return done.stdout


def documents(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def is_custom(document: Document) -> bool:
    """Whether a resource is not Kubernetes' own."""
    group = str(document["apiVersion"]).rpartition("/")[0]
    if group in PACKAGES or document["apiVersion"] in OWN_SCHEMAS:
        return True
    return "." in group and not group.endswith(BUILT_IN_GROUPS_END)


def kubernetes_strict(text: str, version: str) -> Findings:
    """Kubernetes' own resources in ``text`` against the strict schema of a version such as 1.35."""
    own = [document for document in documents(text) if not is_custom(document)]
    return in_checks("kubernetes", {"version": version, "documents": own})


def custom_resources(text: str) -> Findings:
    """All other resources in ``text`` against the schemas of their definitions; one without a schema is a fault."""
    published, found = [], []
    for document in filter(is_custom, documents(text)):
        name = f"{document['kind']}/{document.get('metadata', {}).get('name')}"
        kinds = OWN_SCHEMAS.get(document["apiVersion"], {})
        if document["kind"] in kinds:
            found += [f"{name}: {fault}" for fault in faults(document, kinds[document["kind"]])]
            continue
        package = PACKAGES.get(document["apiVersion"].partition("/")[0])
        if package is None:
            found.append(f"{name}: no schema of {document['apiVersion']} is known here")
            continue
        if document["kind"] in WORKFLOWS and package == "argo-cd":
            found += [f"{name}: {fault}" for fault in in_checks("workflow", document)]
            continue
        published.append((name, package, document))
    if published:
        found += _published(published)
    return found


def faults(document: Document, schema: Mapping[str, Any]) -> Iterator[str]:
    # Imported late: only the development environment has it, and this module is imported by all of these tests.
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    whole = {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {},
            "kind": {},
            "metadata": {"type": "object", "required": ["name"]},
            **schema,
        },
    }
    for error in validator(whole).iter_errors(document):
        yield f"{error.json_path}: {error.message}"


def _published(resources: list[tuple[str, str, Document]]) -> Findings:
    """Values by the packages' validators; names of fields by their types, for the validators let unknown ones pass."""
    modules = TOOLS / "manifests" / "node_modules"
    if not modules.exists():
        pytest.skip("the schemas of custom resources are not installed: run `make tools`")
    node = tool("node")
    script = (HERE / "validate.mjs").read_text("utf8")
    done = run([node, "--input-type=module", "-e", script], cwd=modules.parent, input=json.dumps(resources))
    found = complaints(done)
    with tempfile.TemporaryDirectory(prefix="ts") as directory:
        folder = Path(directory)
        (folder / "node_modules").symlink_to(modules.resolve())
        for index, (name, package, document) in enumerate(resources):
            kind = document["kind"]
            (folder / f"resource{index}.ts").write_text(
                f'import type {{ I{kind} }} from "@kubernetes-models/{package}/{document["apiVersion"]}/{kind}";\n'
                f"// {json.dumps(name)}\nexport const resource: I{kind} = {json.dumps(document, indent=1)};\n"
            )
        options = {"strict": True, "noEmit": True, "skipLibCheck": True, "module": "nodenext", "target": "es2022"}
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": {**options, "types": []}}))
        typed = run([node, str(modules / "typescript" / "bin" / "tsc"), "--pretty", "false"], cwd=folder)
    for line in complaints(typed):
        number = line.removeprefix("resource").partition(".ts")[0]
        found.append(f"{resources[int(number)][0]}: {line}" if number.isdigit() else line)
    return found


# Envoy, Prometheus, policies


def envoy_validate(file: Path) -> Findings:
    done = run([*envoy(), "--mode", "validate", "-c", str(file), "--log-level", "warning"])
    return complaints(done)


def envoy() -> list[str]:
    """The command that starts Envoy."""
    return [tool(TOOLS / "checks" / "bin" / "envoy", TOOLS / "bench" / "bin" / "envoy")]


def promtool_rules(file: Path) -> Findings:
    return _promtool("check", "rules", file)


def promtool_test(file: Path) -> Findings:
    """Unit tests of rules, which name their rule files relative to their own folder."""
    return _promtool("test", "rules", file)


def promtool_config(file: Path) -> Findings:
    return _promtool("check", "config", file)


def _promtool(verb: str, what: str, file: Path) -> Findings:
    program = tool(TOOLS / "prometheus" / "usr" / "bin" / "promtool", "promtool")
    return complaints(run([program, verb, what, str(file.resolve())], cwd=file.parent))


def amtool(file: Path) -> Findings:
    return complaints(run([tool(TOOLS / "prometheus" / "usr" / "bin" / "amtool", "amtool"), "check-config", str(file)]))


def promql(expressions: Sequence[str]) -> Findings:
    return in_checks("promql", list(expressions))


def parliament(policy: str) -> Findings:
    """What parliament finds in one AWS policy document."""
    return in_checks("parliament", policy)


def in_checks(what: str, value: Any) -> Findings:
    """Asks a library that lives in the environment of the checks."""
    python = tool(TOOLS / "checks" / "bin" / "python")
    done = run([python, str(HERE / "library_checks.py"), what], input=json.dumps(value), env=dict(os.environ))
    if done.returncode:
        raise Broken(done.stderr)
    found: Findings = json.loads(done.stdout)
    return found
