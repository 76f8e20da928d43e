"""How the control process obtains credentials: the vendors' own libraries, against local token endpoints."""

import base64
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from polycloud.clouds.aws import credentials as aws
from polycloud.clouds.azure import credentials as azure
from polycloud.clouds.gcp import credentials as gcp
from polycloud.clouds.oci import credentials as oci
from polycloud.clouds.oci.models import OciModels
from polycloud.clouds.onprem import credentials as onprem
from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential, Upstream

KEY = rsa.generate_private_key(65537, 2048)
PHRASE = "open-sesame"
SECRET = "s3cret-never-to-be-shown"
Answer = tuple[int, str, bytes]


def pem(phrase: str = "") -> str:
    lock = serialization.BestAvailableEncryption(phrase.encode()) if phrase else serialization.NoEncryption()
    return KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


class Endpoint:
    """A token endpoint on a real socket; ``answer`` gets method, path with query, headers and body."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[str, str, dict[str, str], bytes], Answer] = lambda *_: (500, "text/plain", b"")
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                request = (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                endpoint.seen.append(request)
                status, kind, reply = endpoint.answer(*request)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST = handle_any

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    found = Endpoint()
    yield found
    found.close()


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Endpoint]:
    """The same under TLS; whom to trust for it is in authority.pem."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, now, now + timedelta(hours=1))
    host = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(host, critical=False).sign(KEY, hashes.SHA256())
    (tmp_path / "authority.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "served.pem").write_text(pem() + (tmp_path / "authority.pem").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "served.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    found = Endpoint(context)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which no vendor finds anything."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "OCI_", "IDENTITY_", "MSI_", "CLOUDSDK_", "GCE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")


def soon() -> float:
    return float(int(time.time()) + 3600)


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The same for all


@pytest.mark.parametrize(
    ("obtain", "expected"),
    [
        (aws.obtain, Credential("bearer", {"token": SECRET})),
        (azure.obtain, Credential("api_key", {"key": SECRET})),
        (gcp.obtain, Credential("bearer", {"token": SECRET})),
        (oci.obtain, Credential("bearer", {"token": SECRET})),
        (onprem.obtain, Credential("bearer", {"token": SECRET})),
    ],
)
def test_a_given_key_is_used_as_it_is(obtain: Callable[..., Credential], expected: Credential) -> None:
    assert obtain({"api_key": SECRET + "\n"}, 0.0) == expected  # files end in a line break


def test_onprem_without_a_key_asks_for_none() -> None:
    assert onprem.obtain({}, 0.0) == Credential("none")


@pytest.mark.parametrize(
    ("cloud", "library"),
    [("aws", "botocore"), ("azure", "azure.identity"), ("gcp", "google.auth"), ("oci", "oci.config")],
)
def test_a_missing_library_is_named(cloud: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    obtain = import_module(f"polycloud.clouds.{cloud}.credentials").obtain
    with pytest.raises(Unauthorized, match=rf"pip install -e '.\[{cloud}\]'"):
        obtain({}, 0.0)


# AWS


def test_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert aws.obtain({}, time.time()) == Credential(
        "aws", {"access_key": "AKIAEXAMPLE", "secret_key": SECRET, "session_token": ""}
    )
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    assert aws.obtain({}, time.time()).fields["session_token"] == "session"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key")
    assert aws.obtain({}, time.time()) == Credential("bearer", {"token": "bedrock-api-key"})


def test_aws_container_role(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    expires = soon()
    found = {"AccessKeyId": "ASIA1", "SecretAccessKey": SECRET, "Token": "t", "Expiration": iso(expires)}
    endpoint.answer = lambda *_: (200, "application/json", json.dumps(found).encode())
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url + "/creds")
    assert aws.obtain({}, time.time()) == Credential(
        "aws", {"access_key": "ASIA1", "secret_key": SECRET, "session_token": "t"}, expires
    )


def test_aws_assumed_role(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expires = soon()
    reply = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>t2</SessionToken>
        <Expiration>{iso(expires)}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
    endpoint.answer = lambda *_: (200, "text/xml", reply.encode())
    (tmp_path / "aws-config").write_text(
        "[profile models]\nrole_arn = arn:aws:iam::123456789012:role/models\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKIA3\naws_secret_access_key = base-secret\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "models")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint.url)
    assert aws.obtain({}, time.time()) == Credential(
        "aws", {"access_key": "ASIA2", "secret_key": SECRET, "session_token": "t2"}, expires
    )
    assert parse_qs(endpoint.seen[0][3].decode())["RoleArn"] == ["arn:aws:iam::123456789012:role/models"]


def test_aws_takes_the_token_of_another_clouds_cluster(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expires = soon()
    reply = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials>
        <AccessKeyId>ASIA4</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>t4</SessionToken>
        <Expiration>{iso(expires)}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
        </AssumeRoleWithWebIdentityResponse>"""
    endpoint.answer = lambda *_: (200, "text/xml", reply.encode())
    (tmp_path / "token").write_text("signed-by-the-cluster")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gateway")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint.url)
    assert aws.obtain({}, time.time()).fields["session_token"] == "t4"
    form = parse_qs(endpoint.seen[0][3].decode())
    assert form["WebIdentityToken"] == ["signed-by-the-cluster"]
    assert (form["Action"], form["RoleArn"]) == (
        ["AssumeRoleWithWebIdentity"],
        ["arn:aws:iam::123456789012:role/gateway"],
    )


def test_aws_says_what_to_do_when_there_is_nothing(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unauthorized, match="AWS_PROFILE"):
        aws.obtain({}, time.time())
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    with pytest.raises(Unauthorized, match="ProfileNotFound"):
        aws.obtain({}, time.time())
    monkeypatch.delenv("AWS_PROFILE")
    endpoint.answer = lambda *_: (403, "application/json", b'{"code":"AccessDenied"}')
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url + "/creds")
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    with pytest.raises(Unauthorized, match="aws sts"):
        aws.obtain({}, time.time())


# Azure


def managed_identity(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint.url + "/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "identity-header")


def test_azure_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    assert azure.obtain({}, 0.0) == Credential("api_key", {"key": SECRET})


def test_azure_managed_identity(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    expires = soon()
    token = {"access_token": SECRET, "expires_on": str(int(expires)), "resource": "r", "token_type": "Bearer"}
    endpoint.answer = lambda *_: (200, "application/json", json.dumps(token).encode())
    managed_identity(endpoint, monkeypatch)
    assert azure.obtain({}, time.time()) == Credential("bearer", {"token": SECRET}, expires)
    method, path, headers, _ = endpoint.seen[0]
    assert (method, headers["x-identity-header"]) == ("GET", "identity-header")
    assert parse_qs(urlsplit(path).query)["resource"] == ["https://cognitiveservices.azure.com"]


def test_azure_takes_the_token_of_another_clouds_cluster(
    encrypted: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"access_token": SECRET, "expires_in": 3600, "token_type": "Bearer"}
    encrypted.answer = lambda *_: (200, "application/json", json.dumps(given).encode())
    (tmp_path / "token").write_text("signed-by-the-cluster")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", encrypted.url)
    monkeypatch.setenv("AZURE_CLIENT_ID", "client")
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    assert azure.obtain({}, time.time()).fields == {"token": SECRET}
    method, path, _, body = encrypted.seen[-1]
    form = parse_qs(body.decode())
    assert (method, path) == ("POST", "/tenant/oauth2/v2.0/token")
    assert (form["client_assertion"], form["client_id"]) == (["signed-by-the-cluster"], ["client"])


def test_azure_refusal_says_what_to_do(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.answer = lambda *_: (400, "application/json", json.dumps({"error": "invalid_request"}).encode())
    managed_identity(endpoint, monkeypatch)
    with pytest.raises(Unauthorized, match="AZURE_OPENAI_API_KEY"):
        azure.obtain({}, time.time())


# Google Cloud


def service_account(endpoint: Endpoint) -> str:
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k",
            "private_key": pem(),
            "client_email": "gateway@p.iam.gserviceaccount.com",
            "token_uri": endpoint.url + "/token",
        }
    )


def google_token(*_: object) -> Answer:
    return 200, "application/json", json.dumps({"access_token": SECRET, "expires_in": 3600}).encode()


def test_google_service_account_by_secret(endpoint: Endpoint) -> None:
    endpoint.answer = google_token
    before = time.time()
    found = gcp.obtain({"api_key": service_account(endpoint)}, before)
    assert (found.kind, found.fields) == ("bearer", {"token": SECRET})
    assert before + 3590 <= found.expires_at <= time.time() + 3600
    form = parse_qs(endpoint.seen[0][3].decode())
    claims = form["assertion"][0].split(".")[1]
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert read["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_google_default_credentials(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    endpoint.answer = google_token
    (tmp_path / "key.json").write_text(service_account(endpoint))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    assert gcp.obtain({}, time.time()).fields == {"token": SECRET}


def test_google_takes_the_token_of_another_clouds_cluster(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"access_token": SECRET, "expires_in": 3600, "token_type": "Bearer", "issued_token_type": "a"}
    endpoint.answer = lambda *_: (200, "application/json", json.dumps(given).encode())
    (tmp_path / "token").write_text("signed-by-the-cluster")
    audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c"
    said = {
        "type": "external_account",
        "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": endpoint.url + "/v1/token",
        "credential_source": {"file": str(tmp_path / "token")},
    }
    (tmp_path / "gcp.json").write_text(json.dumps(said))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gcp.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setattr("google.auth.external_account.Credentials.get_project_id", lambda *_, **__: "p")
    assert gcp.obtain({}, time.time()).fields == {"token": SECRET}
    form = parse_qs(endpoint.seen[0][3].decode())
    assert (form["subject_token"], form["audience"]) == (["signed-by-the-cluster"], [audience])


def test_google_refusals_say_what_to_do(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.answer = lambda *_: (400, "application/json", json.dumps({"error": "invalid_grant"}).encode())
    with pytest.raises(Unauthorized, match="GOOGLE_APPLICATION_CREDENTIALS"):
        gcp.obtain({"api_key": service_account(endpoint)}, time.time())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "not-there.json")
    with pytest.raises(Unauthorized, match="gcloud auth"):
        gcp.obtain({}, time.time())


@pytest.mark.parametrize(
    "given",
    [f'{{"private_key": "{SECRET}"', f'{{"private_key": "{SECRET}", "client_email": "e", "token_uri": "u"}}', "{}"],
)
def test_google_secrets_that_are_no_keys_are_refused_unseen(given: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        gcp.obtain({"api_key": given}, 0.0)
    assert SECRET not in str(caught.value)


# Oracle Cloud


def oci_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, **fields: str) -> None:
    (tmp_path / "key.pem").write_text(key)
    values = {"key_file": str(tmp_path / "key.pem"), "region": "eu-frankfurt-1"} | fields
    (tmp_path / "oci").write_text("[DEFAULT]\n" + "".join(f"{k}={v}\n" for k, v in values.items()))
    for name in ("key.pem", "oci"):
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("OCI_CONFIG_FILE", str(tmp_path / "oci"))


USER = {"tenancy": "ocid1.tenancy.oc1..t", "user": "ocid1.user.oc1..u", "fingerprint": "aa:bb"}


def test_oracle_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    oci_profile(tmp_path, monkeypatch, pem(), **USER)
    assert oci.obtain({}, 0.0) == Credential("oci", USER | {"private_key": pem()})


def test_oracle_key_with_a_pass_phrase_is_opened_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    oci_profile(tmp_path, monkeypatch, pem(PHRASE) + "OCI_API_KEY\n", **USER, pass_phrase=PHRASE)
    found = oci.obtain({}, 0.0)
    assert found.fields["private_key"] == pem()
    upstream = Upstream("oci", "eu-frankfurt-1", "https://h.example", "m", "oci_generic")
    assert OciModels().authorize(upstream, "/p", b"{}", found, 0.0)["authorization"].startswith("Signature ")


def session_token(expires: float) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, {"exp": int(expires)}, {})]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_oracle_session_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expires = soon()
    (tmp_path / "token").write_text(session_token(expires) + "\n")
    oci_profile(tmp_path, monkeypatch, pem(), **USER, security_token_file=str(tmp_path / "token"))
    found = oci.obtain({}, time.time())
    assert found == Credential("oci", {"security_token": session_token(expires), "private_key": pem()}, expires)
    with pytest.raises(Unauthorized, match="expired"):
        oci.obtain({}, expires)


def test_oracle_pod_on_oke(encrypted: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By Oracle's own library, over TLS that the cluster's authority signed."""
    expires = soon()
    mine = base64.urlsafe_b64encode(json.dumps({"exp": int(expires)}).encode()).decode().rstrip("=")
    (tmp_path / "account").write_text(f"e30.{mine}.e30")
    reply = base64.b64encode(json.dumps({"token": "ST$" + session_token(expires)}).encode())
    encrypted.answer = lambda *_: (200, "application/json", reply)
    where = "oci.auth.signers.resource_principals_signer"
    monkeypatch.setattr(f"{where}.OCI_KUBERNETES_PROXYMUX_SERVICE_PORT", str(encrypted.server.server_port))
    monkeypatch.setattr(
        "oci.auth.rpt_path_providers.OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH", str(tmp_path / "account")
    )
    monkeypatch.setenv("OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("OCI_CLI_AUTH", "oke_workload_identity")
    found = oci.obtain({}, time.time())
    assert (found.kind, found.fields["security_token"], found.expires_at) == ("oci", session_token(expires), expires)
    assert encrypted.seen[0][2]["authorization"] == f"Bearer e30.{mine}.e30"
    upstream = Upstream("oci", "eu-frankfurt-1", "https://h.example", "m", "oci_generic")
    assert "ST$" in OciModels().authorize(upstream, "/p", b"{}", found, 0.0)["authorization"]
    (tmp_path / "account").write_text("e30.e30.e30")
    with pytest.raises(Unauthorized, match="OKE workload identity"):
        oci.obtain({}, time.time())


def test_oracle_refusals_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="oci setup config"):
        oci.obtain({}, 0.0)
    oci_profile(tmp_path, monkeypatch, pem(), tenancy="t")
    with pytest.raises(Unauthorized, match="user"):
        oci.obtain({}, 0.0)
    oci_profile(tmp_path, monkeypatch, pem(PHRASE), **USER, pass_phrase="wrong-" + PHRASE)
    with pytest.raises(Unauthorized, match="pass_phrase") as caught:
        oci.obtain({}, 0.0)
    assert PHRASE not in str(caught.value)
    oci_profile(tmp_path, monkeypatch, "no key", **USER)
    with pytest.raises(Unauthorized, match="key_file"):
        oci.obtain({}, 0.0)
    oci_profile(tmp_path, monkeypatch, pem(), **USER, security_token_file=str(tmp_path / "key.pem"))
    with pytest.raises(Unauthorized, match="session"):
        oci.obtain({}, 0.0)


def test_nothing_vendors_is_loaded_by_import() -> None:
    code = (
        "import sys\n"
        "for cloud in ('aws', 'azure', 'gcp', 'oci', 'onprem'):\n"
        "    for half in ('models', 'credentials'):\n"
        "        __import__(f'polycloud.clouds.{cloud}.{half}')\n"
        "print([m for m in ('botocore', 'boto3', 'azure', 'google', 'oci', 'requests') if m in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
