"""How findings and proofs of an estate are printed."""

from polycloud.app.cli.output import note, say
from polycloud.app.library import Examined


def print_findings(examined: Examined) -> None:
    """Every diagnostic on stderr, in the order of the files."""
    for found in examined.diagnostics:
        note(str(found))


def print_proof(examined: Examined) -> None:
    """What the proof walked, and whether it holds."""
    proof = examined.proof
    if proof is None:
        errors, warnings = len(examined.errors), len(examined.warnings)
        note(f"{errors} error(s), {warnings} warning(s): not proved")
    elif proof.holds:
        say(f"proved: {proof.paths:,} paths of {proof.requests:,} kinds of request stay inside their data classes")
    else:
        note(f"{len(proof.breaks)} of {proof.paths:,} paths break, as the findings say")
        note("not proved: narrow the deployment's profile, or the class")
