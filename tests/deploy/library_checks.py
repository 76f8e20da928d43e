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
        except kubernetes_validate.InvalidSchemaError as error:
            yield f"{name}: {document.get('apiVersion')} is not of Kubernetes {value['version']}: {error}"


def parliament(value):
    from parliament import analyze_policy_string

    for finding in analyze_policy_string(value).findings:
        yield f"{finding.issue}: {finding.detail} {finding.location}"


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
        getattr(models, value["kind"]).model_validate(value)
    except pydantic.ValidationError as error:
        for fault in error.errors():
            yield f"{value['kind']}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"


if __name__ == "__main__":
    json.dump([*globals()[sys.argv[1]](json.load(sys.stdin))], sys.stdout)
