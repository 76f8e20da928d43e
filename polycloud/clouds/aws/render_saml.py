"""People at AWS without Identity Center: the account's own trust in the company's identity provider, by SAML, and a
role for each role of the estate that only its groups and users can take."""

from collections.abc import Sequence

from polycloud.clouds.aws.render_iam import policy
from polycloud.clouds.aws.render_people import FILE, clusters, reaching
from polycloud.deploy.blueprint import Blueprint, Principal, SignIn
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Expr, Value, joined
from polycloud.deploy.intents import Intent, Member
from polycloud.deploy.render.identity_report import Step, Told, at_provider, lasts
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, output, ref, variable

PROVIDER = Expr("aws_iam_saml_provider.people")
AUDIENCE = "https://signin.aws.amazon.com/saml"
# The one attribute of an assertion that holds many texts and that a trust policy can ask for, and its name in SAML.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html, 2026-11
GROUPS, GROUPS_NAME = "SAML:edupersonaffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.1"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"


def give(
    section: Section,
    principal: Principal,
    holders: Sequence[Member],
    found: Sequence[Intent],
    statements: list[dict[str, Value]],
    how: SignIn,
) -> bool:
    """A role of the account; ``False`` when there is nothing to give."""
    whole = reaching(found, statements)
    if not whole:
        return False
    label = identifier("people", principal.name)
    made = section.make(
        "aws_iam_role",
        label,
        {
            "name": made_name("aws", "role", section.root.blueprint.estate, principal.name, "people"),
            "description": f"What people of role {principal.name} may do.",
            "max_session_duration": how.session_seconds,
            "assume_role_policy": policy(*_trusted(holders, how)),
        },
    )
    given: dict[str, Value] = {"name": "intent", "role": attribute(made, "id"), "policy": policy(*whole)}
    section.make("aws_iam_role_policy", label, given)
    clusters(section, principal, found, attribute(made, "arn"))
    return True


def _trusted(holders: Sequence[Member], how: SignIn) -> list[dict[str, Value]]:
    """Who may take the role: people of its groups, and the users named; with the second factor where it is told."""
    equal: dict[str, Value] = {"SAML:aud": AUDIENCE}
    if how.proof is not None and how.proof.tag:
        equal[f"aws:RequestTag/{how.proof.tag}"] = list(how.proof.values)
    groups: Value = [one.name for one in holders if one.kind == "group"]
    users: Value = [one.name for one in holders if one.kind == "user"]
    conditions: list[Value] = []
    if groups:
        conditions.append({"StringEquals": equal, "ForAnyValue:StringEquals": {GROUPS: groups}})
    if users:
        conditions.append({"StringEquals": {**equal, "SAML:sub": users}})
    common: dict[str, Value] = {
        "Effect": "Allow",
        "Principal": {"Federated": attribute(PROVIDER, "arn")},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
    }
    return [{**common, "Condition": condition} for condition in conditions]


def provider(root: Root, here: Blueprint, given: Sequence[Principal]) -> None:
    """The trust itself, and what the provider has to send to let somebody take a role."""
    root.add("variables.tf", variable("sso_metadata", "The SAML metadata of the company's identity provider, as XML."))
    root.section(FILE, "", "identity.sso", "identity").make(
        "aws_iam_saml_provider",
        "people",
        {"name": made_name("aws", "role", here.estate, "people"), "saml_metadata_document": ref("var.sso_metadata")},
    )
    pairs: dict[str, Value] = {
        one.name: joined(
            attribute(Expr(f"aws_iam_role.{identifier('people', one.name)}"), "arn"), ",", attribute(PROVIDER, "arn")
        )
        for one in given
    }
    described = "By role of the estate: what the provider sends as the SAML attribute Role."
    root.add("outputs.tf", output("people_roles", described, pairs))


def told(here: Blueprint, how: SignIn) -> Told:
    proof = how.proof
    factor = "not required"
    if how.second_factor:
        factor = at_provider(here, how, "an assertion tells AWS no second factor unless a session's tag does")
    tags = {"email": how.email, "department": how.department, "cost_center": how.cost_center}
    names = [f"PrincipalTag:{word}" for word, claim in tags.items() if claim]
    if proof is not None and proof.tag:
        factor = f"at AWS: no role can be taken unless the session's tag {proof.tag} is {' or '.join(proof.values)}"
        names.append(f"PrincipalTag:{proof.tag}")
    names = ["Role", "RoleSessionName", "SessionDuration", *names]
    steps = (
        Step(
            f"make AWS an application at the provider, for the address and audience {AUDIENCE}, which sends the "
            f"attributes {', '.join(names)} of {ATTRIBUTES}, and groups as {GROUPS_NAME}",
            "The application is the provider's; Role is this root's output people_roles "
            "(https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html, "
            "2026-11).",
        ),
    )
    mapping = (
        ("subject", "RoleSessionName, and NameID for users named in roles"),
        ("groups", "eduPersonAffiliation, which the roles ask for"),
        *((word, f"session tag {word}") for word, claim in tags.items() if claim),
    )
    session = f"at most {lasts(how.session_seconds)}, by each role; the provider says it as SessionDuration"
    return Told("IAM, by SAML: a role for each role of the estate", factor, session, mapping, steps)
