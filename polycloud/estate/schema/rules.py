"""What must hold: where each class of data may be, and who may do what."""

from typing import Annotated, Literal

from pydantic import Field

from polycloud.estate.scalars import (
    ClaimName,
    ClassRef,
    Credentials,
    Duration,
    Identifier,
    Name,
    RoleRef,
    SecretRef,
    SiteId,
    SitePattern,
    StoreRef,
    TeamRef,
    Texts,
    Url,
)
from polycloud.estate.schema.base import Part
from polycloud.estate.schema.places import AdapterName


class DataClass(Part):
    """A class of data and where it may be processed and kept. Every limit given must hold."""

    stay_in: Texts = Field(
        default=(),
        description="Jurisdictions (eu, uk, us-ca), countries (DE, NO) or sites (aws/eu-west-1) that it may be in; "
        "empty: anywhere.",
    )
    sites: tuple[SitePattern, ...] = Field(default=(), description="Only these sites, as patterns; empty: any.")
    clouds: tuple[AdapterName, ...] = Field(default=(), description="Only these clouds; empty: any.")
    operators: tuple[str, ...] = Field(
        default=(),
        description="Only sites run by these operators or of these kinds (commercial, sovereign, government); "
        "empty: any.",
    )
    include_adequate: bool = Field(
        default=False,
        description="Whether places that the law of stay_in finds adequate count as inside. Off unless you say so.",
    )
    replicate: Literal["inside", "anywhere", "never"] = Field(
        default="inside", description="Where copies may go: inside the limits above, anywhere, or never."
    )
    encrypt: Literal["required", "optional"] = Field(
        default="optional", description="Whether it must be encrypted at rest."
    )
    audit: Literal["required", "optional"] = Field(
        default="optional", description="Whether every access must be recorded."
    )
    may_cross_as: Literal["nothing", "anonymised"] = Field(
        default="nothing", description="The form in which it may leave its limits: nothing, or anonymised aggregates."
    )
    retention: Duration | None = Field(default=None, description="How long it is kept at most, such as 7y.")
    description: str = Field(default="", description="What belongs in this class, in a sentence.")

    @property
    def unlimited(self) -> bool:
        """Whether the class may be anywhere."""
        return not (self.stay_in or self.sites or self.clouds or self.operators)


class Residency(Part):
    """What holds where nothing more exact is said."""

    default_class: ClassRef | None = Field(
        default=None, description="The class of a request that names none and whose key and route name none."
    )


Action = Literal["invoke", "read", "write", "delete", "run", "deploy", "administer", "audit"]


class Grant(Part):
    """One thing that a role may do."""

    do: tuple[Action, ...] = Field(min_length=1, description="Actions, such as [invoke] or [read, write].")
    on: tuple[str, ...] = Field(
        default=("*",),
        description="What it may be done to: models, datasets and workloads by kind/name pattern, such as model/gpt-*.",
    )
    at: tuple[SitePattern, ...] = Field(default=(), description="Only at these sites, as patterns; empty: any.")
    classes: tuple[ClassRef, ...] = Field(default=(), description="Only with data of these classes; empty: any.")


PLACED = "placed-"  # begins the names of roles that rendering makes of workloads that no role names


class Role(Part):
    """Who may do what, said once and compiled to every cloud."""

    members: tuple[str, ...] = Field(default=(), description="group:NAME, user:ADDRESS, team:NAME or workload:NAME.")
    can: tuple[Grant, ...] = Field(default=(), description="What its members may do.")
    inherits: tuple[RoleRef, ...] = Field(default=(), description="Roles whose grants are included.")
    description: str = Field(default="", description="What the role is for.")


IdentityProvider = Literal["okta", "auth0", "entra", "ping", "other"]


class SignInClaims(Part):
    """The names under which the provider tells who a person is: claims of its tokens, attributes of its SAML."""

    subject: ClaimName = Field(default="sub", description="What names a person and never changes.")
    email: ClaimName = Field(default="email", description="The person's address.")
    family_name: ClaimName = Field(default="family_name", description="The family name; Oracle Cloud asks for it.")
    department: ClaimName | None = Field(default=None, description="The department, when the provider tells it.")
    cost_center: ClaimName | None = Field(default=None, description="The cost centre, when the provider tells it.")


class SecondFactor(Part):
    """How a sign-in shows that it had a second factor, for the clouds that can look."""

    claim: ClaimName = Field(default="amr", description="The claim that tells how the person signed in.")
    values: tuple[ClaimName, ...] = Field(
        default=("mfa",), min_length=1, description="What it holds after a second factor; one of these is enough."
    )
    session_tag: ClaimName | None = Field(
        default=None,
        description="The attribute of its SAML in which the provider tells AWS the same, as one text; none: AWS can "
        "not see it.",
    )


class SingleSignOn(Part):
    """People sign in at the company's identity provider: here by OpenID Connect, at the clouds by what each takes."""

    provider: IdentityProvider | None = Field(
        default=None, description="Which product it is; when not said, the issuer's address tells."
    )
    issuer: Url = Field(description="The provider's issuer address.")
    client_id: Identifier = Field(description="Our client id there.")
    client_secret: SecretRef | None = Field(default=None, description="Our client secret, as secret:NAME.")
    groups_claim: ClaimName = Field(default="groups", description="The claim that holds the groups of a person.")
    claims: SignInClaims = Field(
        default_factory=SignInClaims, description="The other claims, compiled to each cloud's attribute mapping."
    )
    require_second_factor: bool = Field(
        default=True, description="Whether a sign-in without a second factor is refused."
    )
    second_factor: SecondFactor | None = Field(
        default=None, description="How a token shows it; when not said, as Okta and Auth0 do: amr holds mfa."
    )
    aws: Literal["identity-center", "iam"] = Field(
        default="identity-center",
        description="Where people sign in at AWS: IAM Identity Center; or the account's own IAM, by SAML, for accounts "
        "without it.",
    )
    session: Duration | None = Field(
        default=None, description="How long a sign-in at a cloud lasts, 1h to 12h; 4h when not said."
    )


class WorkloadIdentity(Part):
    """Programs come with a token of their platform instead of a key."""

    issuer: Url = Field(description="Who signs the tokens.")
    audience: str = Field(description="The audience that they must carry.")
    subject: str = Field(description="A pattern that their subject must match.")
    team: TeamRef = Field(description="The team that such a caller belongs to.")


class Identity(Part):
    """How people and programs prove who they are."""

    sso: SingleSignOn | None = Field(default=None, description="Single sign-on for people.")
    workloads: dict[Name, WorkloadIdentity] = Field(
        default_factory=dict, description="Trusted token issuers for programs, by name."
    )


class VaultSecret(Part):
    """A field of a secret in Vault or OpenBao."""

    path: str = Field(description="The path, such as kv/data/ai/azure.")
    field: str = Field(default="value", description="Which field of it.")


class Secret(Part):
    """Where a secret comes from: exactly one source. The secret itself never stands in an estate."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        default=None, description="The environment variable that holds it."
    )
    file: str | None = Field(default=None, description="The file that holds it.")
    vault: VaultSecret | None = Field(default=None, description="A secret in Vault or OpenBao.")
    aws_secret: str | None = Field(default=None, description="The name or ARN in AWS Secrets Manager.")
    azure_secret: str | None = Field(default=None, description="The identifier in Azure Key Vault.")
    gcp_secret: str | None = Field(default=None, description="The resource name in GCP Secret Manager.")
    oci_secret: str | None = Field(default=None, description="The OCID in OCI Vault.")
    rotate: Duration | None = Field(default=None, description="How often it is rotated, such as 90d.")

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources that are given."""
        names = ("env", "file", "vault", "aws_secret", "azure_secret", "gcp_secret", "oci_secret")
        return tuple(name for name in names if getattr(self, name) is not None)


class EncryptionKey(Part):
    """A key that wraps data keys."""

    held_by: Literal["vault", "aws", "azure", "gcp", "oci", "file"] = Field(description="Who holds it.")
    id: Identifier = Field(description="Its name, ARN or OCID there.")
    at: tuple[SitePattern, ...] = Field(default=(), description="The sites whose data it wraps; empty: all.")
    rotate: Duration | None = Field(default=None, description="How often a new version is made, such as 90d.")
    hardware: bool = Field(default=False, description="Whether it must live in a hardware security module.")
    credentials: Credentials = Field(default="environment", description="How we reach its holder.")
    existing: dict[SiteId, Identifier] = Field(
        default_factory=dict,
        description="Keys that are there already and wrap the data of a site, by site: their ids; at Azure and Oracle "
        "Cloud the id of the vault, in which a key is made.",
    )


class Audit(Part):
    """What happens to the record of every decision."""

    keep: Duration | None = Field(default=None, description="How long records are kept, such as 7y.")
    checkpoints_to: tuple[StoreRef, ...] = Field(default=(), description="Stores that signed checkpoints are sent to.")
    sign_with: SecretRef | None = Field(default=None, description="The signing key, as secret:NAME.")
