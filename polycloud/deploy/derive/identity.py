"""Roles with inherited grants written out, and how people sign in."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from polycloud.deploy.blueprint import Bucket, Principal, Proof, Run, SignIn
from polycloud.estate import Estate
from polycloud.estate.schema.rules import PLACED, Grant, IdentityProvider, SecondFactor

SESSION_SECONDS = 4 * 3600  # half a working day: long enough to work, short enough to forget
# Where each product issues tokens, unless a company gave it a name of its own.
HOSTS: tuple[tuple[IdentityProvider, tuple[str, ...]], ...] = (
    ("okta", ("okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com")),
    ("auth0", ("auth0.com",)),
    ("entra", ("login.microsoftonline.com", "login.microsoftonline.us", "sts.windows.net")),
    ("ping", ("pingone.com", "pingone.eu", "pingone.ca", "pingone.asia", "pingone.com.au")),
)
# Whose ID tokens carry amr with mfa in it (RFC 8176) without being told to, 2026-11:
# https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview,
# https://auth0.com/docs/secure/multi-factor-authentication/step-up-authentication. Entra's v2.0 tokens have no amr:
# https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
TELL_FACTORS: tuple[IdentityProvider, ...] = ("okta", "auth0")


def principals(estate: Estate) -> tuple[Principal, ...]:
    """Every role; what it inherits comes after its own grants, each grant once."""
    return tuple(
        Principal(name, role.members, tuple(_grants(estate, name, ()))) for name, role in sorted(estate.roles.items())
    )


def placed(estate: Estate, runs: Iterable[Run], buckets: Iterable[Bucket]) -> tuple[Principal, ...]:
    """A role for each placed workload that no role of the estate names: it reads what it reads and writes what it
    writes, where the copies are that its pods are told of. What a role says of a workload stands as it is said."""
    named = {member for role in estate.roles.values() for member in role.members}
    kept = tuple(buckets)
    grants: dict[str, list[Grant]] = {}
    for run in sorted(runs, key=lambda run: run.name):
        if f"workload:{run.workload}" in named:
            continue
        for action, datasets in (("read", run.reads), ("write", run.writes)):
            for dataset in datasets:
                copy = nearest(kept, run.site or _site(estate, run.cluster), dataset)
                if copy is None:
                    continue
                grant = Grant.model_validate({"do": (action,), "on": (f"dataset/{dataset}",), "at": (copy.site.id,)})
                if grant not in grants.setdefault(run.workload, []):
                    grants[run.workload].append(grant)
    return tuple(
        Principal(f"{PLACED}{name}", (f"workload:{name}",), tuple(found)) for name, found in sorted(grants.items())
    )


def nearest(buckets: Iterable[Bucket], site: str, dataset: str) -> Bucket | None:
    """The bucket that a site's pods take a dataset from: the site's own, else one in its cloud, else the first."""
    cloud = site.partition("/")[0]
    holding = [bucket for bucket in buckets if dataset in bucket.datasets]
    return min(holding, key=lambda b: (b.site.id != site, b.site.cloud != cloud, b.site.id, b.name), default=None)


def _site(estate: Estate, cluster: str) -> str:
    declared = estate.clusters.get(cluster)
    return declared.at if declared is not None else cluster.replace("-", "/", 1)


def sign_in(estate: Estate) -> SignIn | None:
    """How people sign in, with all that the estate leaves to be told from the provider."""
    sso = estate.identity.sso
    if sso is None:
        return None
    provider = sso.provider or _provider(sso.issuer)
    told = sso.second_factor or (SecondFactor() if provider in TELL_FACTORS else None)
    required = sso.require_second_factor
    return SignIn(
        provider,
        sso.issuer,
        sso.client_id,
        sso.claims.subject,
        sso.claims.email,
        sso.groups_claim,
        sso.claims.family_name,
        sso.claims.department or "",
        sso.claims.cost_center or "",
        required,
        Proof(told.claim, told.values, told.session_tag or "") if told is not None and required else None,
        int(sso.session.value) if sso.session is not None else SESSION_SECONDS,
        sso.aws,
    )


def _provider(issuer: str) -> IdentityProvider:
    host = urlsplit(issuer).hostname or ""
    for provider, domains in HOSTS:
        if any(host == domain or host.endswith(f".{domain}") for domain in domains):
            return provider
    return "other"


def _grants(estate: Estate, name: str, above: tuple[str, ...]) -> list[Grant]:
    if name in above or name not in estate.roles:
        return []  # a circle or an unknown name is an error of the estate that check reports
    role = estate.roles[name]
    found = list(role.can)
    for other in role.inherits:
        found += [grant for grant in _grants(estate, other, (*above, name)) if grant not in found]
    return found
