"""From an estate to a planning problem, and the independent proof that a plan keeps its data where it must stay."""

from polycloud.placement.build.assemble import Built as Built
from polycloud.placement.build.assemble import Detail as Detail
from polycloud.placement.build.assemble import build as build
from polycloud.placement.build.changes import Changes as Changes
from polycloud.placement.build.proof import Proof as Proof
from polycloud.placement.build.proof import proof as proof
