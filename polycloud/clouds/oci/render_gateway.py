"""What the gateway may do at Oracle Cloud beside calling models: on the very buckets, secrets and keys."""

from polycloud.clouds.oci.render_keys import statement
from polycloud.deploy.duties import Duties
from polycloud.deploy.hcl import Expr, quoted

# Permissions of objects, docs.oracle.com/iaas/Content/Identity/Reference/objectstoragepolicyreference.htm, 2026-11.
WRITES = "any {request.permission = 'OBJECT_CREATE', request.permission = 'OBJECT_OVERWRITE', "
WRITES += "request.permission = 'OBJECT_INSPECT'}"


def statements(given: Duties, pod: str, cluster: Expr) -> list[Expr]:
    """Sentences for the gateway's pods of one cluster; a bucket is the narrowest thing that they can name of data."""
    found = []
    for verb, carried, narrowed in (("read", given.reads, ""), ("manage", given.writes, f", {WRITES}")):
        for one in carried:
            tail = f"', target.bucket.name = '{one.bucket.physical}'{narrowed}"
            found.append(statement(f"Allow any-user to {verb} objects", pod, cluster, tail))
    for kind, held, target in (("read secret-bundles", given.secrets, "secret"), ("use keys", given.keys, "key")):
        for kept in held:
            tail = f"', target.{target}.id = '{_plain(kept.id)}'"
            found.append(statement(f"Allow any-user to {kind}", pod, cluster, tail))
    return found


def _plain(text: str) -> str:
    """An OCID as it may stand between quotes."""
    return "".join(c for c in quoted(text) if c.isalnum() or c in "._-")
