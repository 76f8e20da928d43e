"""All renderers at once: nothing is named that is not made, and whatever is taken away is missed."""

import msgspec

from polycloud.app import wiring
from polycloud.deploy.checks import together
from polycloud.deploy.ports import Rendered
from tests.deploy.placed_runs import by_hand

# What is made for people and programs outside of the rendered files: no other file names it.
ENDS = {"database", "edge", "link", "model", "network"}


def parts() -> dict[str, Rendered]:
    return {name: renderer(by_hand()) for name, renderer in wiring.renderers().items()}


def test_whatever_is_no_longer_made_is_missed() -> None:
    whole = parts()
    assert together(whole).problems == ()
    missed, ends = set(), set()
    for name, part in whole.items():
        for made in part.provides:
            left = tuple(other for other in part.provides if other != made)
            others = {
                n: msgspec.structs.replace(p, provides=left if n == name else p.provides) for n, p in whole.items()
            }
            told = together(others).problems
            also = sum(made in p.provides for p in whole.values()) > 1  # a dataset has copies in several clouds
            assert also or all(f" refers to {made}, which nothing provides" in problem for problem in told)
            if not also:
                (missed if told else ends).add(made.partition(":")[0])
    assert ends - missed <= ENDS
    assert missed >= {"authority", "bucket", "cluster", "edge-pool", "exporter", "metric", "name", "pool", "queue"}
    assert missed >= {"region", "vault-seal", "voter"}


def test_a_file_that_argo_cd_takes_is_missed() -> None:
    whole = parts()
    for path in ("helm/polycloud/clusters/azure-eastus.yaml", "mesh/istio/aws-us-east-1/values.yaml"):
        cut = {
            name: msgspec.structs.replace(part, files={p: text for p, text in part.files.items() if p != path})
            for name, part in whole.items()
        }
        assert together(cut).problems == (f"argocd/applications.yaml refers to file:{path}, which nothing provides",)
