"""Checks by libraries that live in `.tools/checks`, not in the tests' own environment: a value in, findings out."""

import json
import sys
import warnings

warnings.simplefilter("ignore")  # parliament reads its data by an interface of setuptools that is going away


def kubernetes(value):
    import kubernetes_validate

    for document in value["documents"]:
        name = f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"
        try:
            kubernetes_validate.validate(document, value["version"], strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name}: Kubernetes {value['version']} has none in {document.get('apiVersion')}"


def parliament(value):
    from parliament import analyze_policy_string, iam_definition

    def formats(action):
        """How many forms of resource an action accepts."""
        prefix, _, name = action.partition(":")
        for service in iam_definition:
            for privilege in service["privileges"] if service["prefix"] == prefix else ():
                if privilege["privilege"] == name:
                    return sum(1 for kind in privilege["resource_types"] if kind["resource_type"])
        return 0

    for finding in analyze_policy_string(value).findings:
        detail = finding.detail
        if finding.issue == "RESOURCE_MISMATCH":
            # It names each form that no resource has; where an action accepts several, one of them is enough.
            missing = [fault["action"] for fault in detail]
            detail = sorted({action for action in missing if missing.count(action) >= formats(action)})
            if not detail:
                continue
        yield f"{finding.issue}: {detail} {finding.location}"


def promql(value):
    import promql_parser

    for expression in value:
        try:
            promql_parser.parse(expression)
        except ValueError as error:
            yield f"{expression}: {error}"


def workflow(value):
    import pydantic
    from hera.workflows import models

    try:
        read = getattr(models, value["kind"]).model_validate(value)
    except pydantic.ValidationError as error:
        for fault in error.errors():
            yield f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        return
    # The models pass over fields that they do not know; such a field is missing when they are written again.
    yield from lost(value, json.loads(read.model_dump_json(by_alias=True, exclude_unset=True)), "")


def lost(before, after, path):
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key not in after:
                yield f"{path}{key}: unknown field"
            else:
                yield from lost(value, after[key], f"{path}{key}.")
    elif isinstance(before, list) and isinstance(after, list):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from lost(old, new, f"{path}{index}.")


if __name__ == "__main__":
    json.dump([*globals()[sys.argv[1]](json.load(sys.stdin))], sys.stdout)
