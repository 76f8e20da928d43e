"""What Bedrock's models are called at AWS, and the right to call exactly those."""

from collections.abc import Iterable

from polycloud.clouds.aws.render_iam import PARTITION, Statement, allow, arn
from polycloud.deploy.blueprint import AiService
from polycloud.deploy.hcl import Expr, Value, joined
from polycloud.deploy.render.terraform import identifier, ref


def plain(service: AiService) -> str:
    """The model without its scope: ``eu.anthropic.claude`` is ``anthropic.claude``."""
    scope = scope_of(service)
    return service.upstream.removeprefix(f"{scope}.") if scope else service.upstream


def scope_of(service: AiService) -> str:
    return service.scope.removeprefix("profile:")


def model_arn(service: AiService, region: str) -> Expr:
    """A foundation model in a region (``*``: wherever a profile routes to); it belongs to no account."""
    if service.upstream.startswith("arn:"):
        return joined(service.upstream)
    return joined("arn:", PARTITION, f":bedrock:{region}::foundation-model/{plain(service)}")


def called(service: AiService) -> Expr:
    """What a request names: the model itself, or the cross-region profile that AWS keeps for it."""
    scope = scope_of(service)
    if not scope or service.upstream.startswith("arn:"):
        return model_arn(service, service.site.region)
    return arn("bedrock", service.site.region, f"inference-profile/{scope}.{plain(service)}")


def own_names(services: tuple[AiService, ...]) -> dict[AiService, tuple[str, ...]]:
    """What tells our own profiles and throughputs apart: model and region, and more only where that is not enough."""
    found: dict[AiService, tuple[str, ...]] = {}
    for service in services:
        more = (scope_of(service), "" if service.capacity == "on-demand" else service.capacity)
        parts = (service.name, service.site.region, *(word for word in more if word))
        found[service] = parts if parts not in found.values() else (*parts, service.upstream)
    return found


def calls(services: Iterable[AiService], every: tuple[AiService, ...]) -> list[Statement]:
    """Models in their region, profiles; and what a profile routes to, by way of that profile alone: nobody calls a
    model directly in a region that the estate does not name. ``every`` model of the cloud decides our own names."""
    plainly: dict[str, Expr] = {}
    routed: dict[str, Expr] = {}
    ways: dict[str, Expr] = {}
    names = own_names(every)
    for service in services:
        given = (called(service), own(service, names[service]))
        plainly |= {one.text: one for one in given}
        if scope_of(service):
            one = model_arn(service, "*")
            routed[one.text] = one
            ways |= {way.text: way for way in given}
    actions = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    found = [allow(actions, [plainly[text] for text in sorted(plainly)], "Models")]
    if routed:
        through: Value = {"ArnLike": {"bedrock:InferenceProfileArn": [ways[text] for text in sorted(ways)]}}
        found.append(allow(actions, [routed[text] for text in sorted(routed)], "ByProfile", Condition=through))
    return found


def own(service: AiService, parts: tuple[str, ...]) -> Expr:
    """The ARN of our own profile of a model, or of its bought throughput, which may be there already."""
    if service.endpoint:
        return joined(service.endpoint)
    if service.capacity == "on-demand":
        return ref(f"aws_bedrock_inference_profile.{identifier(*parts)}.arn")
    return ref(f"aws_bedrock_provisioned_model_throughput.{identifier(*parts)}.provisioned_model_arn")
