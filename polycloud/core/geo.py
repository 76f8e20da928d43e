"""Places: sites, and how far apart two points on the earth are."""

import math

import msgspec

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG 1980


class Site(msgspec.Struct, frozen=True):
    """A region of a cloud, or a hall of one's own: the one word for "where", written ``cloud/name``.

    ``country`` is ISO 3166-1 alpha-2; ``jurisdictions`` are ids of catalogue rows (``eu``, ``uk`` …).
    """

    id: str
    cloud: str
    name: str
    country: str
    jurisdictions: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    operator: str = ""


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance between two (latitude, longitude) points in degrees (haversine)."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))
