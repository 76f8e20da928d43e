"""The extra that the planner's commands need, and how its lack is told: only when it is what is missing."""

from polycloud.app.settings import BadSettings

SOLVER = ("highspy", "numpy")  # what the extra brings


def lacking(error: ModuleNotFoundError) -> BadSettings:
    """What to say to a user without the extra. Raises the error as it is when another module is missing."""
    if error.name is None or error.name.partition(".")[0] not in SOLVER:
        raise error
    return BadSettings('the planner needs its solver: pip install -e ".[place]"')
