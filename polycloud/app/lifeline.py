"""The lifeline: a pipe whose other end the supervisor holds, so that no child outlives it unnoticed.

When the supervisor is gone, however it went, the kernel closes its end and each child sees the end of
the file. A worker then stops gracefully; a control process that dies alone cuts no lifeline.
"""

import asyncio
import os
from collections.abc import Callable

ENVIRONMENT = "POLYCLOUD_LIFELINE_FD"


def watch(loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
    """Call ``gone`` once when the supervisor is gone; does nothing in a process that has none."""
    text = os.environ.get(ENVIRONMENT)
    if not text:
        return
    fd = int(text)

    def ended() -> None:
        loop.remove_reader(fd)
        os.close(fd)
        gone()

    loop.add_reader(fd, ended)
