"""A simple plan that breaks a rule says which one, small problems that are solved exactly included."""

from polycloud.placement.problem import ON_DEMAND, Option, Place, Problem, Task, Zone
from polycloud.placement.solve import baselines


def test_one_cloud_that_can_not_hold_all_says_why() -> None:
    """Two parts that must not share a site, and one cloud with one site."""
    sites = (Place("aws/us-east-1", "aws"), Place("gcp/us-central1", "gcp"), Place("gcp/us-east1", "gcp"))
    options = tuple(Option(at, "m", ON_DEMAND, 1, 10 + at) for at in range(3))
    tasks = tuple(Task(f"w#{part}", "w", options, group=0) for part in range(2))
    found = {row.name: row for row in baselines(Problem(sites, (), (Zone("any", ((None,) * 3,) * 3),), tasks))}
    assert found["only aws"].solution is None
    assert found["only aws"].why_not == "parts of one workload share aws/us-east-1"
    assert found["only gcp"].bill is not None and found["only gcp"].bill.total == 23
