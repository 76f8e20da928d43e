"""A worker that can not make its files says so in one line."""

import asyncio
from pathlib import Path

import pytest

from polycloud.app.worker import serve
from polycloud.gateway.worker import WorkerSpec


def test_a_state_directory_that_can_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "state"
    taken.write_text("a file, where the directory should be")
    spec = WorkerSpec(name="w0", host="127.0.0.1", port=0, directory=str(taken), link="", control="")
    with pytest.raises(SystemExit, match=r"error: w0 can not start in .*: Not a directory"):
        asyncio.run(serve(spec))
