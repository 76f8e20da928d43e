"""What a cloud keeps for polycloud that the estate names: secrets in its manager, keys that wrap data keys."""

from polycloud.deploy.blueprint import Held
from polycloud.estate import Estate

CLOUDS = ("aws", "azure", "gcp", "oci")


def held(estate: Estate) -> tuple[Held, ...]:
    """Each by the cloud that keeps it, sorted."""
    found = [
        Held(cloud, "secret", id, f"secrets.{name}")
        for name, secret in estate.secrets.items()
        for cloud in CLOUDS
        if (id := getattr(secret, f"{cloud}_secret")) is not None
    ]
    found += [
        Held(key.held_by, "key", key.id, f"encryption_keys.{name}")
        for name, key in estate.encryption_keys.items()
        if key.held_by in CLOUDS
    ]
    return tuple(sorted(found, key=lambda one: (one.cloud, one.what, one.source)))
