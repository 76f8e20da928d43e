"""Roles with inherited grants written out, and whose tokens the clouds are to trust."""

from polycloud.deploy.blueprint import Federation, Principal
from polycloud.estate import Estate
from polycloud.estate.schema.rules import Grant


def principals(estate: Estate) -> tuple[Principal, ...]:
    """Every role; what it inherits comes after its own grants, each grant once."""
    return tuple(
        Principal(name, role.members, tuple(_grants(estate, name, ()))) for name, role in sorted(estate.roles.items())
    )


def federations(estate: Estate) -> tuple[Federation, ...]:
    found = [
        Federation(name, one.issuer, one.audience, one.subject)
        for name, one in sorted(estate.identity.workloads.items())
    ]
    if estate.identity.sso is not None:
        found.append(Federation("people", estate.identity.sso.issuer, estate.identity.sso.client_id, people=True))
    return tuple(found)


def _grants(estate: Estate, name: str, above: tuple[str, ...]) -> list[Grant]:
    if name in above or name not in estate.roles:
        return []  # a circle or an unknown name is an error of the estate that check reports
    role = estate.roles[name]
    found = list(role.can)
    for other in role.inherits:
        found += [grant for grant in _grants(estate, other, (*above, name)) if grant not in found]
    return found
