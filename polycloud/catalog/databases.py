"""Which database engines each cloud runs for its customers, and of which we write the files."""

import msgspec


class Service(msgspec.Struct, frozen=True):
    """What a cloud calls an engine that it runs. ``written``: whether our Terraform makes it."""

    name: str
    written: bool = True


# (cloud, engine): the service. An engine that is not here is not to be had there. Seen 2026-11: aws.amazon.com/rds,
# learn.microsoft.com/azure/databases, cloud.google.com/products/databases, oracle.com/cloud/database.
SERVICES: dict[tuple[str, str], Service] = {
    ("aws", "cassandra"): Service("Keyspaces"),
    ("aws", "dynamodb"): Service("DynamoDB"),
    ("aws", "mysql"): Service("RDS and Aurora"),
    ("aws", "oracle"): Service("RDS for Oracle and Oracle Database@AWS", written=False),
    ("aws", "postgresql"): Service("RDS and Aurora"),
    ("azure", "cassandra"): Service("Cosmos DB for Apache Cassandra"),
    ("azure", "cosmosdb"): Service("Cosmos DB"),
    ("azure", "mysql"): Service("Azure Database for MySQL"),
    ("azure", "oracle"): Service("Oracle Database@Azure", written=False),
    ("azure", "postgresql"): Service("Azure Database for PostgreSQL"),
    ("gcp", "mysql"): Service("Cloud SQL"),
    ("gcp", "oracle"): Service("Oracle Database@Google Cloud", written=False),
    ("gcp", "postgresql"): Service("Cloud SQL"),
    ("gcp", "spanner"): Service("Spanner"),
    ("oci", "mysql"): Service("HeatWave MySQL", written=False),
    ("oci", "oracle"): Service("Autonomous Database"),
    ("oci", "postgresql"): Service("Database with PostgreSQL"),
}


def engines(cloud: str) -> tuple[str, ...]:
    """The engines that we can write for a cloud."""
    return tuple(sorted(engine for (where, engine), one in SERVICES.items() if where == cloud and one.written))


def clouds(engine: str) -> tuple[str, ...]:
    """The clouds for which we can write an engine."""
    return tuple(sorted(cloud for (cloud, what), one in SERVICES.items() if what == engine and one.written))
