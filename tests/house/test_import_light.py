"""`import polycloud` is light: few modules, no vendor's SDK; and a quick command stays quick."""

import subprocess
import sys

MODULES_MAX = 300
HEAVY = ("boto3", "botocore", "azure", "google", "oci", "openai", "anthropic", "pydantic", "sqlalchemy", "starlette")


def loaded_by(code: str) -> set[str]:
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


def test_import_is_light() -> None:
    loaded = loaded_by("import polycloud")
    assert len(loaded) <= MODULES_MAX
    assert not [name for name in loaded if name.split(".")[0] in HEAVY]


def test_the_library_loads_no_vendor_sdk() -> None:
    loaded = loaded_by("import polycloud; [getattr(polycloud, name) for name in polycloud.__all__]")
    assert not [name for name in loaded if name.split(".")[0] in HEAVY and name.split(".")[0] != "pydantic"]


def test_the_list_of_commands_loads_none_of_them() -> None:
    loaded = loaded_by("from polycloud.app.cli.main import run; assert run(['--help']) == 0")
    assert not [name for name in loaded if name.split(".")[0] in (*HEAVY, "rich", "yaml")]


def test_a_worker_loads_neither_estate_nor_store() -> None:
    loaded = loaded_by("import polycloud.app.worker")
    assert not [name for name in loaded if name.split(".")[0] in HEAVY]
    assert not [n for n in loaded if n.startswith(("polycloud.estate", "polycloud.catalog", "polycloud.store"))]
