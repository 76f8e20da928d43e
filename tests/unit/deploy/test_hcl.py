"""HCL text: fmt leaves it as it is, and no text of an estate becomes an expression."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.deploy.hcl import Attribute, Block, Comment, Expr, block, joined, quoted, render

SAMPLE = (
    block("terraform", attributes={"required_version": ">= 1.10"}, parts=(block("required_providers"),)),
    block(
        "resource",
        "aws_s3_bucket",
        "raw",
        attributes={
            "bucket": joined(Expr("var.prefix"), "-raw"),
            "force_destroy": False,
            "tags": {"polycloud:class": "personal-eu", "owner": "Search"},
            "count": 2,
            "names": ["a" * 50, "b" * 50, "c" * 20],
            "rules": [{"id": 1, "longer_name": "x"}, {}],
            "left_out": None,
        },
        parts=(
            Comment("the law says\nso"),
            block("rule", attributes={"id": "warm", "status": "Enabled"}, parts=(block("filter"),)),
            Attribute("last", Expr("aws_vpc.main.id")),
        ),
    ),
)


def test_a_file_reads_as_it_should() -> None:
    assert render(SAMPLE).startswith('terraform {\n  required_version = ">= 1.10"\n\n  required_providers {}\n}\n')
    assert '  bucket        = "${var.prefix}-raw"\n  force_destroy = false\n  tags = {\n' in render(SAMPLE)
    assert "# the law says so\n" in render(SAMPLE)
    assert "left_out" not in render(SAMPLE)


def test_fmt_leaves_it_as_it_is(tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed")
    (tmp_path / "main.tf").write_text(render(SAMPLE))
    done = subprocess.run([terraform, "fmt", "-check", "-diff", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_template_marks_and_quotes_stay_text() -> None:
    assert quoted('${file("/etc/passwd")}') == '"$${file(\\"/etc/passwd\\")}"'
    assert quoted("%{ for x in y }\n") == '"%%{ for x in y }\\n"'


@given(st.text())
def test_no_text_opens_a_template_or_ends_its_literal(text: str) -> None:
    inner = quoted(text)[1:-1]
    bare = inner.replace("\\\\", "").replace('\\"', "").replace("$${", "").replace("%%{", "")
    assert '"' not in bare
    assert "${" not in bare and "%{" not in bare
    assert "\n" not in inner


def test_names_are_identifiers() -> None:
    with pytest.raises(ValueError, match="identifier"):
        render([Block("resource", (), (Attribute('x" }', 1),))])
