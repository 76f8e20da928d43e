"""People at Azure: groups and users of Entra by name, and a Conditional Access policy that asks them for a second
factor and bounds their sessions, whoever the identity provider is."""

from collections.abc import Sequence

from polycloud.deploy.blueprint import Blueprint, SignIn
from polycloud.deploy.hcl import Expr, Value, block
from polycloud.deploy.intents import Member, members
from polycloud.deploy.render.identity_report import Step, Told, lasts, people
from polycloud.deploy.render.terraform import Root, identifier, ref, variable

FILE = "identity.tf"
HOUR = 3600
GRAPH = "https://graph.microsoft.com/v1.0"
STATES = '["enabled", "enabledForReportingButNotEnforced"]'


def object_id(member: Member) -> Expr:
    """The object id of a group or user, looked up in Entra."""
    return ref(f"data.azuread_{member.kind}.{_label(member)}.object_id")


def _label(member: Member) -> str:
    return identifier(member.kind, member.name)


def known(here: Blueprint) -> list[Member]:
    """The groups and users that are looked up in Entra, sorted: those with rights here and, where Entra is the
    provider, all who sign in anywhere, since its policy is what asks them for a second factor."""
    found = set(people(here))
    if found and here.sign_in is not None and here.sign_in.provider == "entra":
        found |= {one for role in here.principals for one in members(role) if one.kind in ("group", "user")}
    return sorted(found, key=lambda one: (one.kind, one.name))


def add(root: Root, here: Blueprint) -> None:
    if not known(here):
        return
    for member in known(here):
        named: dict[str, Value] = (
            {"display_name": member.name, "security_enabled": True}
            if member.kind == "group"
            else {"user_principal_name": member.name}
        )
        root.add(FILE, block("data", f"azuread_{member.kind}", _label(member), attributes=named))
    tenant = here.accounts.get("azure", {}).get("tenant")
    root.add("providers.tf", block("provider", "azuread", attributes={"tenant_id": tenant}))
    how = here.sign_in
    if how is not None and how.second_factor:
        _second_factor(root, here, how, known(here))


def _second_factor(root: Root, here: Blueprint, how: SignIn, asked: Sequence[Member]) -> None:
    """Whoever holds a role here signs in with a second factor, to everything; a person says who is let in without,
    lest a lost provider locks all out."""
    root.add(
        "variables.tf",
        variable(
            "emergency_groups",
            "Object ids of groups that no second factor is asked of: accounts to get back in with.",
            "list(string)",
            [],
        ),
        block(
            "variable",
            "second_factor_policy",
            attributes={
                "description": "enabled; or enabledForReportingButNotEnforced to watch first whom it would stop.",
                "type": Expr("string"),
                "default": "enabled",
            },
            parts=(
                block(
                    "validation",
                    attributes={
                        "condition": Expr(f"contains({STATES}, var.second_factor_policy)"),
                        "error_message": "A state of a Conditional Access policy.",
                    },
                ),
            ),
        ),
    )
    chosen: dict[str, Value] = {
        f"included_{kind}s": ids
        for kind in ("group", "user")
        if (ids := [object_id(member) for member in asked if member.kind == kind])
    }
    conditions = block(
        "conditions",
        attributes={"client_app_types": ["all"]},
        parts=(
            block("applications", attributes={"included_applications": ["All"]}),
            block("users", attributes={**chosen, "excluded_groups": ref("var.emergency_groups")}),
        ),
    )
    session: dict[str, Value] = {
        "sign_in_frequency": _hours(how),
        "sign_in_frequency_period": "hours",
        "persistent_browser_mode": "never",
    }
    root.section(FILE, "", "identity.sso", "identity").make(
        "azuread_conditional_access_policy",
        "people",
        {"display_name": f"{here.estate}: a second factor for its roles", "state": ref("var.second_factor_policy")},
        conditions,
        block("grant_controls", attributes={"operator": "OR", "built_in_controls": ["mfa"]}),
        block("session_controls", attributes=session),
    )


def _hours(how: SignIn) -> int:
    """Whole hours are all that Entra knows: the shorter."""
    return max(1, how.session_seconds // HOUR)


def told(here: Blueprint, how: SignIn) -> Told:
    own = how.provider == "entra"
    factor = "not required"
    if how.second_factor:
        who = "all who sign in anywhere" if own else "those with rights here"
        factor = f"by Entra: a Conditional Access policy (mfa) for {who}, on all resources"
    mapping = (
        ("subject", "Entra's own" if own else "onPremisesImmutableId, by SAML's NameID"),
        ("email", "user principal name" if own else "user principal name, by SAML's IDPEmail"),
        ("groups", "groups by display name" if own else "groups by display name, written by the provider"),
        ("family_name", "surname"),
        ("department", "department: no role assignment can ask for it"),
        ("cost_center", "employeeOrgData.costCenter: no role assignment can ask for it"),
    )
    steps = [] if own else [_federate(how)]
    if how.second_factor:
        steps.append(
            Step(
                "name the groups that get in without a second factor (emergency_groups), and have Entra ID P1",
                "Conditional Access is part of it, and a policy without a way around it can lock everybody out "
                "(https://learn.microsoft.com/entra/identity/role-based-access-control/security-emergency-access, "
                "2026-11).",
            )
        )
    session = f"{lasts(_hours(how) * HOUR)}, by the same policy" if how.second_factor else "as Entra itself says"
    by = "Entra" if own else "Entra, whose domain is federated with the provider"
    return Told(by, factor, session, mapping, tuple(steps))


def _federate(how: SignIn) -> Step:
    """A domain federated with another provider: Graph alone makes it, and no provider for Terraform has a resource."""
    accepts = "enforceMfaByFederatedIdp" if how.second_factor else "acceptIfMfaDoneByFederatedIdp"
    body = (
        '{"@odata.type": "#microsoft.graph.internalDomainFederation", "displayName": "people", '
        '"issuerUri": "ENTITY_ID", "passiveSignInUri": "SIGN_IN_URL", "activeSignInUri": "SIGN_IN_URL", '
        '"signOutUri": "SIGN_OUT_URL", "signingCertificate": "CERTIFICATE_IN_BASE64", '
        f'"preferredAuthenticationProtocol": "saml", "federatedIdpMfaBehavior": "{accepts}"}}'
    )
    return Step(
        "federate the company's verified domain with the provider, with the values of the provider's SAML metadata, "
        "and let the provider write users and groups into Entra",
        "hashicorp/azuread has no resource for it, and Microsoft's generic Graph provider publishes no schema to check "
        "against (https://learn.microsoft.com/graph/api/domain-post-federationconfiguration, 2026-11).",
        f"az rest --method post --url {GRAPH}/domains/DOMAIN/federationConfiguration \\\n"
        "  --headers Content-Type=application/json \\\n"
        f"  --body '{body}'",
    )
