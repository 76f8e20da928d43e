"""People at Google Cloud: a workforce pool with the company's identity provider, its claims mapped to attributes, and
the second factor as a condition of every sign-in where the provider's tokens show it."""

import re

from polycloud.deploy.blueprint import Blueprint, Proof, SignIn
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Expr, Value, block, joined
from polycloud.deploy.intents import Member
from polycloud.deploy.render.identity_report import Step, Told, at_provider, lasts
from polycloud.deploy.render.terraform import Root, ref, variable

FILE = "identity.tf"
POOL = "google_iam_workforce_pool.people.workforce_pool_id"
POOLS = "//iam.googleapis.com/locations/global/workforcePools/"
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Keys of attributes, https://cloud.google.com/iam/docs/workforce-identity-federation#attribute-mappings, 2026-11.
ATTRIBUTES = {
    "subject": "google.subject",
    "email": "attribute.email",
    "groups": "google.groups",
    "department": "attribute.department",
    "cost_center": "attribute.cost_center",
}
# Scopes beyond openid, profile and email that bring the groups, by provider.
# https://cloud.google.com/iam/docs/workforce-sign-in-okta, 2026-11
SCOPES = {"okta": ["groups"]}


def member(one: Member, how: SignIn | None) -> Expr:
    """A group or a person of the pool, as bindings name them: a person by the address that the provider tells, since
    a subject is the provider's own number for them."""
    pool = Expr(POOL if how is not None else "var.workforce_pool")
    if one.kind == "group":
        return joined(f"principalSet:{POOLS}", pool, f"/group/{one.name}")
    if how is not None:
        return joined(f"principalSet:{POOLS}", pool, f"/attribute.email/{one.name}")
    return joined(f"principal:{POOLS}", pool, f"/subject/{one.name}")


def add(root: Root, here: Blueprint) -> None:
    """The pool of this estate's people and its provider; without a sign-in in the estate, the organisation's own."""
    how = here.sign_in
    if how is None:
        root.add("variables.tf", variable("workforce_pool", "The id of the organisation's workforce pool for people."))
        return
    root.add(
        "variables.tf",
        variable("organization", "The number of the organisation, which workforce pools belong to."),
        variable("workforce_pool", "The id of the pool of these people, unique in the world.", default=_pool(here)),
        variable("sso_client_id", "Our client id at the provider.", default=how.client),
    )
    section = root.section(FILE, "", "identity.sso", "identity")
    section.make(
        "google_iam_workforce_pool",
        "people",
        {
            "workforce_pool_id": ref("var.workforce_pool"),
            "parent": joined("organizations/", Expr("var.organization")),
            "location": "global",
            "display_name": f"People of {here.estate}"[:32],
            "session_duration": f"{how.session_seconds}s",
        },
    )
    web: dict[str, Value] = {
        "response_type": "ID_TOKEN",
        "assertion_claims_behavior": "ONLY_ID_TOKEN_CLAIMS",
        "additional_scopes": SCOPES.get(how.provider),
    }
    section.make(
        "google_iam_workforce_pool_provider",
        "people",
        {
            "workforce_pool_id": ref(POOL),
            "location": "global",
            "provider_id": "people",
            "display_name": "People",
            "attribute_mapping": {key: _claim(word, claim) for word, key, claim in _mapped(how)},
            "attribute_condition": condition(how.proof) if how.proof is not None else None,
        },
        block(
            "oidc",
            attributes={"issuer_uri": how.issuer, "client_id": ref("var.sso_client_id")},
            parts=(block("web_sso_config", attributes=web),),
        ),
    )


def _pool(here: Blueprint) -> str:
    return made_name("gcp", "account", here.estate, "people")


def _mapped(how: SignIn) -> list[tuple[str, str, str]]:
    given = {
        "subject": how.subject,
        "email": how.email,
        "groups": how.groups,
        "department": how.department,
        "cost_center": how.cost_center,
    }
    return [(word, ATTRIBUTES[word], claim) for word, claim in given.items() if claim]


def _field(claim: str) -> str:
    """A claim in CEL; only the characters of ``ClaimName`` come here, so that nothing ends the quotes."""
    return f"assertion.{claim}" if PLAIN.fullmatch(claim) else f"assertion['{claim}']"


def _claim(word: str, claim: str) -> str:
    """Who lacks a department still gets in; a claim whose name CEL can not test for must be there."""
    field = _field(claim)
    optional = word in ("email", "department", "cost_center") and PLAIN.fullmatch(claim)
    return f"has({field}) ? {field} : ''" if optional else field


def condition(proof: Proof) -> str:
    """That the claim, one text or a list, holds one of the values; a token without it is refused."""
    field = _field(proof.claim)
    either = " || ".join(f"'{value}' in {field}" for value in proof.values)
    if proof.claim == "amr":  # always a list, RFC 8176
        return either
    same = " || ".join(f"{field} == '{value}'" for value in proof.values)
    return f"type({field}) == string ? ({same}) : ({either})"


def told(here: Blueprint, how: SignIn) -> Told:
    steps = [
        Step(
            "let the provider know the pool as a client, by its redirect address",
            "The client belongs to the provider (https://cloud.google.com/iam/docs/configuring-workforce-identity-"
            "federation, 2026-11).",
            f"https://auth.cloud.google/signin-callback/locations/global/workforcePools/{_pool(here)}/providers/people",
        )
    ]
    if how.provider == "entra":
        steps.append(
            Step(
                "let the application in Entra send names of groups (Token configuration, groups assigned to the "
                "application, cloud-only group display names)",
                "Entra sends object ids by default, and none to a person of more than 200 groups "
                "(https://learn.microsoft.com/entra/identity-platform/optional-claims, 2026-11).",
            )
        )
    factor = "not required"
    if how.second_factor and how.proof is not None:
        factor = f"at Google Cloud: a condition of the pool's provider, {condition(how.proof)}"
    elif how.second_factor:
        factor = at_provider(here, how, "its tokens show no second factor")
    mapping = tuple((word, key) for word, key, _ in _mapped(how))
    session = f"{lasts(how.session_seconds)}, by the pool"
    return Told("a workforce pool with OpenID Connect", factor, session, mapping, tuple(steps))
