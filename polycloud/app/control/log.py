"""One line a happening on stderr: time, level, name, and facts as key=value; no place for a secret.

Facts are chosen one by one where they are logged; exceptions are logged by type and message of our own
errors, never with a traceback's local values.
"""

import json
import logging
import sys
import time
import traceback
from pathlib import Path

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
LINE_CHARS_MAX = 2000  # a provider's message can be a whole page
Fact = str | int | float | bool | None


class Line(logging.Formatter):
    """``2026-11-21T03:39:00Z info estate.loaded version=3f paths=12``"""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        facts = getattr(record, "facts", {})
        text = record.getMessage().strip()
        words = [at, record.levelname.lower(), text, *(f"{k}={_word(v)}" for k, v in facts.items())]
        return " ".join(words + _raised(record)).replace("\n", "\\n")[:LINE_CHARS_MAX]


class Log:
    """Names a happening and its facts."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **facts: Fact) -> None:
        self._logger.debug(event, extra={"facts": facts})

    def info(self, event: str, **facts: Fact) -> None:
        self._logger.info(event, extra={"facts": facts})

    def warning(self, event: str, **facts: Fact) -> None:
        self._logger.warning(event, extra={"facts": facts})

    def error(self, event: str, **facts: Fact) -> None:
        self._logger.error(event, extra={"facts": facts})


def _raised(record: logging.LogRecord) -> list[str]:
    """The type of an exception and where it came from: a foreign exception's message may hold anything."""
    kind, _, trace = record.exc_info or (None, None, None)
    if kind is None:
        return []
    frames = traceback.extract_tb(trace)
    where = [f"at={Path(frames[-1].filename).name}:{frames[-1].lineno}"] if frames else []
    ours = [f for f in frames if "polycloud" in Path(f.filename).parts]
    called = [f"from={Path(ours[-1].filename).name}:{ours[-1].lineno}"] if ours and ours[-1] != frames[-1] else []
    return [f"exception={kind.__name__}", *where, *called]


def _word(value: Fact) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if text and not any(c in text for c in ' "=\n') else json.dumps(text)


def to_stderr(level: str) -> Log:
    """The process's log. Libraries' own loggers go the same way, from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logger = logging.getLogger("polycloud")
    logger.setLevel(LEVELS[level])
    return Log(logger)
