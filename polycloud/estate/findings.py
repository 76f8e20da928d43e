"""Collects findings with their places; a place that already has one from reading is not spoken of again."""

from collections.abc import Callable, Iterable

from polycloud.core.diagnostics import Diagnostic, Place, Severity
from polycloud.estate.paths import KeyPath, path_text, suggestion


class Findings:
    """``place`` tells where a path stands; ``spoken_for`` are paths (as text) whose mistake is known."""

    def __init__(self, place: Callable[[KeyPath], Place], spoken_for: Iterable[str] = ()) -> None:
        self.found: list[Diagnostic] = []
        self._place = place
        self._spoken_for = frozenset(spoken_for)

    def error(self, code: str, path: KeyPath, message: str, fix: str = "") -> None:
        self._note("error", code, path, message, fix)

    def warn(self, code: str, path: KeyPath, message: str, fix: str = "") -> None:
        self._note("warning", code, path, message, fix)

    def unknown(self, path: KeyPath, what: str, name: str, known: Iterable[str], fix: str = "") -> None:
        """A name that is not declared, with what was most likely meant."""
        message = f"there is no {what} {name!r} in this estate"
        self.error(what.replace(" ", "_") + "_unknown", path, message, fix or suggestion(name, known))

    def _note(self, severity: Severity, code: str, path: KeyPath, message: str, fix: str) -> None:
        if path_text(path) not in self._spoken_for:
            self.found.append(Diagnostic(severity, code, message, self._place(path), fix))
