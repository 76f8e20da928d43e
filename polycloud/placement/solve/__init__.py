"""Solvers: the cheapest faultless plan of a problem, how far from the optimum it can be, or why there is none."""

from polycloud.placement.solve.again import resolve as resolve
from polycloud.placement.solve.baseline import Baseline as Baseline
from polycloud.placement.solve.baseline import baselines as baselines
from polycloud.placement.solve.levels import LEVELS as LEVELS
from polycloud.placement.solve.levels import solve_levels as solve_levels
from polycloud.placement.solve.result import BOUNDED as BOUNDED
from polycloud.placement.solve.result import INFEASIBLE as INFEASIBLE
from polycloud.placement.solve.result import NOTHING as NOTHING
from polycloud.placement.solve.result import OPTIMAL as OPTIMAL
from polycloud.placement.solve.result import Limits as Limits
from polycloud.placement.solve.result import Progress as Progress
from polycloud.placement.solve.result import Reached as Reached
from polycloud.placement.solve.result import Solved as Solved
from polycloud.placement.solve.solving import solve as solve
