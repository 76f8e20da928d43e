"""What a machine's name says by its vendor's own naming rules: its processor, and whether it may run fully."""

import re

# Names of Arm machines: AWS Graviton (a g after the generation), Azure Dp and Ep sizes, Google's T2A, C4A, N4A and the
# Grace of A4X, Oracle's Ampere A1, A2, A4 and the Grace of GB200 and GB300. By the vendors' naming rules, 2026-11.
_ARM = re.compile(
    r"a1\.|[a-z]+\d+g[a-z]*\.|Standard_[A-Z]\d+p[a-z]*_|t2a-|c4a-|n4a-|a4x-|VM\.Standard\.A\d|BM\.Standard\.A\d|.*GB[23]00"
)
# Machines that may use their processors fully for part of the time only: T families at AWS, B at Azure, shared-core
# E2 at Google. By the vendors' naming rules, 2026-11.
_BURSTABLE = re.compile(r"t\d[a-z]*\.|Standard_B\d|e2-(?:micro|small|medium)|f1-|g1-")


def is_arm(machine: str) -> bool:
    """Whether a machine has Arm processors, which images for x86 do not run on."""
    return _ARM.match(machine) is not None


def is_burstable(machine: str) -> bool:
    """Whether a machine may use its processors fully for part of the time only."""
    return _BURSTABLE.match(machine) is not None
