"""Findings about a file, each with its place, the reason and the fix; collected, never raised one by one."""

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Place(msgspec.Struct, frozen=True, order=True):
    """Where in a source file: line and column count from 1; ``path`` is the path inside the document."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Diagnostic(msgspec.Struct, frozen=True):
    """One finding. ``fix`` says what to write instead; ``code`` has a section in the documentation."""

    severity: Severity
    code: str
    message: str
    place: Place
    fix: str = ""

    def __str__(self) -> str:
        where = f" ({self.place.path})" if self.place.path else ""
        fix = f"\n    fix: {self.fix}" if self.fix else ""
        return f"{self.place}: {self.severity}[{self.code}]{where}: {self.message}{fix}"
