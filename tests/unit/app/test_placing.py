"""The placement over the admin API: planned in another process, kept for the same question, errors told as they are."""

import asyncio

import msgspec
import pytest

from polycloud.app.cli.place import Answer
from polycloud.app.control.placing import Placing
from polycloud.core.errors import BadRequest
from polycloud.placement.answer.conflicts import NoPlan

HALL = """\
estate: one-hall
onprem:
  hall: {country: DE, accelerators: {H100: 8}, cost_per_hour: 2 USD}
workloads:
  first: {kind: training, needs: {accelerator: H100, count: 6}, hours_per_month: 100}
"""
SECOND = "  second: {kind: training, needs: {accelerator: H100, count: 6}, hours_per_month: 100}\n"


def test_the_answer_is_that_of_the_command_and_is_kept(tmp_path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(HALL)

    async def main() -> None:
        placing = Placing(file, None)
        first = await placing.placement("v1", 5)
        found = msgspec.json.decode(first, type=Answer).placement
        assert found.estate == "one-hall"
        assert [part.site for part in found.workloads[0].parts] == ["onprem/hall"]
        file.write_text(HALL.replace("one-hall", "other"))
        assert await placing.placement("v1", 5) == first
        assert msgspec.json.decode(await placing.placement("v2", 5), type=Answer).placement.estate == "other"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "error", "said"), [(HALL + SECOND, NoPlan, "no more than 8"), ("a: [", BadRequest, ":1:")]
)
def test_errors_are_told_with_their_lines(tmp_path, text: str, error: type[Exception], said: str) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(text)
    with pytest.raises(error, match=said) as caught:
        asyncio.run(Placing(file, None).placement("v", 5))
    assert str(file) in str(caught.value)
