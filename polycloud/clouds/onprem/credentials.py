"""What workers show to a server of one's own: the bearer token that the estate refers to, or nothing."""

from collections.abc import Mapping

from polycloud.core.ports.models import Credential


def obtain(reference: Mapping[str, str], now: float) -> Credential:
    """The bearer token ``api_key`` of ``reference``; without one, a credential of kind none. Asks no one."""
    key = reference.get("api_key", "").strip()
    return Credential("bearer", {"token": key}) if key else Credential("none")
