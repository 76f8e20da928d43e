"""The mesh under the real tools: CRD schemas, Envoy's own check, and Envoy running: routing and failover observed."""

import http.client
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from polycloud.deploy.render import helm, kubernetes
from polycloud.deploy.render.mesh import envoy, render
from polycloud.deploy.steering import may_replace, regions, successors
from tests.deploy import checkers
from tests.deploy.estates import EVERY, NAMES, blueprint

READY_SECONDS = 20.0
SCRAPED = 15020  # where a sidecar tells its metrics and the pod's


@pytest.mark.parametrize("name", NAMES)
def test_every_manifest_holds_against_its_schema(name: str) -> None:
    files = render(blueprint(name)).files
    manifests = [t for path, t in files.items() if path.startswith("mesh/istio/") and "values" not in path]
    assert len(manifests) == len(blueprint(name).clusters) + 5
    together = "\n---\n".join(manifests)  # each tool is started once
    assert checkers.custom_resources(together) == []
    assert checkers.kubernetes_strict(together, "1.35") == []


@pytest.mark.parametrize("name", EVERY)
def test_envoy_accepts_its_bootstrap(name: str, tmp_path: Path) -> None:
    path = tmp_path / "envoy.yaml"
    path.write_text(render(blueprint(name)).files["mesh/envoy/envoy.yaml"])
    assert checkers.envoy_validate(path) == []


@pytest.mark.parametrize("name", EVERY)
def test_a_failover_never_leaves_a_class(name: str) -> None:
    whole = blueprint(name)
    for region in regions(whole):
        for lost in region.clusters:
            for other in region.successors:
                for allowed in whole.regions_allowed.values():
                    assert lost.site.id not in allowed or other.site.id in allowed
    for cluster in whole.clusters:
        for other in successors(whole, cluster):
            assert may_replace(whole, cluster.site, other.site)


def test_a_region_under_a_confining_law_has_no_successor_outside() -> None:
    found = {region.name: region for region in regions(blueprint("active-active"))}
    assert found["europe"].successors == ()  # personal-eu is allowed there and nowhere in America
    assert {"aws/eu-west-1", "DE", "IE"} <= set(found["europe"].callers)
    assert "US" in found["america"].callers
    assert {c.site.id for c in found["asia"].successors} >= {"aws/us-east-1"}


def test_every_destination_of_a_route_is_a_subset_and_mutual_tls_is_strict() -> None:
    files = render(blueprint("active-active")).files
    for path, text in files.items():
        if not path.endswith("routing.yaml"):
            continue
        documents = {d["kind"]: d for d in yaml.safe_load_all(text)}
        subsets = {s["name"] for s in documents["DestinationRule"]["spec"]["subsets"]}
        routes = documents["VirtualService"]["spec"]["http"]
        assert {r["route"][0]["destination"]["subset"] for r in routes} <= subsets
        assert "match" not in routes[-1]
        europe = next(r for r in routes if r["name"] == "to-europe")
        pattern = europe["match"][0]["headers"]["x-polycloud-region"]["regex"]
        assert re.fullmatch(pattern, "DE") and re.fullmatch(pattern, "aws/eu-west-1")
        assert not re.fullmatch(pattern, "US") and not re.fullmatch(pattern, "DEX")
    assert "mode: STRICT" in files["mesh/istio/base/security.yaml"]


class Gateway(BaseHTTPRequestHandler):
    """A site's gateway: says who it is."""

    def do_GET(self) -> None:
        body = str(self.server.server_address[1]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(text: str, folder: Path) -> Iterator[None]:
    path = folder / "envoy.yaml"
    path.write_text(text)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*checkers.envoy(), "-c", str(path), "--use-dynamic-base-id"], stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)


def ask(port: int, region: str = "") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v1/models", headers={"x-polycloud-region": region} if region else {})
        reply = connection.getresponse()
        body = reply.read().decode()
        return body if reply.status == 200 else str(reply.status)
    finally:
        connection.close()


def until(port: int, region: str, wanted: str) -> float:
    """Seconds until a region's requests are answered by the one that is wanted."""
    started = time.monotonic()
    seen = ""
    while time.monotonic() - started < READY_SECONDS:
        with suppress(OSError, http.client.HTTPException):
            seen = ask(port, region)
            if seen == wanted:
                return time.monotonic() - started
        time.sleep(0.1)
    raise AssertionError(f"{region or 'no region'} is answered by {seen!r}, not by {wanted!r}")


def test_envoy_sees_a_lost_site_within_ten_seconds_and_never_falls_back_to_it() -> None:
    for cluster in yaml.safe_load(envoy.envoy(blueprint("active-active")))["static_resources"]["clusters"]:
        (check,) = cluster["health_checks"]
        assert int(check["interval"].removesuffix("s")) * check["unhealthy_threshold"] <= 10
        assert cluster["common_lb_config"]["healthy_panic_threshold"]["value"] == 0


def test_envoy_routes_by_region_and_fails_over_inside_the_law(tmp_path: Path) -> None:
    whole = blueprint("active-active")
    text = render(whole).files["mesh/envoy/envoy.yaml"]
    ports = {cluster.name: free_port() for cluster in whole.clusters}
    entry = free_port()
    numbers = {envoy.port(whole, c): ports[c.name] for c in whole.clusters} | {
        envoy.LISTEN: entry,
        envoy.ADMIN: free_port(),
    }
    text = re.sub(r"port_value: (\d+)", lambda m: f"port_value: {numbers[int(m[1])]}", text)
    servers = {name: ThreadingHTTPServer(("127.0.0.1", port), Gateway) for name, port in ports.items()}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {region.name: region for region in regions(whole)}
    europe = [c.name for c in found["europe"].clusters]
    asia, after_asia = found["asia"].clusters[0].name, found["asia"].successors[0].name

    def lose(name: str) -> None:
        servers[name].shutdown()
        servers[name].server_close()

    try:
        with running(text, tmp_path):
            until(entry, "DE", str(ports[europe[0]]))
            assert ask(entry, "gcp/asia-east1") == str(ports[asia])
            assert ask(entry, "US") in {str(ports[c.name]) for c in found["america"].clusters}
            lose(asia)
            until(entry, "gcp/asia-east1", str(ports[after_asia]))
            lose(europe[0])
            until(entry, "DE", str(ports[europe[1]]))
            for name in europe[1:]:
                lose(name)
            until(entry, "DE", "503")  # all of Europe is lost: nothing of it goes to America
            assert ask(entry, "US") in {str(ports[c.name]) for c in found["america"].clusters}
    finally:
        for name, server in servers.items():
            if name not in (asia, *europe):
                server.shutdown()
            server.server_close()


def manifests(folder: str) -> list[dict[str, Any]]:
    files = render(blueprint("active-active")).files
    texts = [text for path, text in files.items() if path.startswith(folder)]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def test_the_gateways_port_alone_is_open_and_its_chart_listens_there() -> None:
    (policy,) = [
        d
        for d in manifests("mesh/istio/base/")
        if d["kind"] == "NetworkPolicy"
        and d["metadata"]["namespace"] == "polycloud"
        and d["spec"].get("ingress")
        and any(rule.get("ports") for rule in d["spec"]["ingress"])
    ]
    opened = {p["port"] for rule in policy["spec"]["ingress"] for p in rule["ports"]}
    chart = helm.render(blueprint("active-active")).files["helm/polycloud/templates/statefulset.yaml"]
    listens = int(re.findall(r"containerPort: (\d+)", chart)[0])
    assert listens in opened and opened <= {listens, SCRAPED}
    routed = {
        route["route"][0]["destination"]["port"]["number"]
        for d in manifests("mesh/istio/aws-us-east-1/")
        if d.get("kind") == "VirtualService"
        for route in d["spec"]["http"]
    }
    assert routed == {listens}


def test_what_fails_is_taken_out_and_the_nearest_takes_over() -> None:
    (rule,) = [d for d in manifests("mesh/istio/aws-eu-west-1/") if d.get("kind") == "DestinationRule"]
    policy = rule["spec"]["trafficPolicy"]
    taken = policy["outlierDetection"]
    seconds = {name: int(taken[name].removesuffix("s")) for name in ("interval", "baseEjectionTime")}
    assert 0 < taken["consecutive5xxErrors"] <= 5 and 0 < taken["maxEjectionPercent"] <= 50
    assert 0 < seconds["interval"] <= 10 and seconds["baseEjectionTime"] >= seconds["interval"]
    locality = policy["loadBalancer"]["localityLbSetting"]
    assert locality["enabled"] is True
    goes = {one["from"]: one["to"] for one in locality["failover"]}
    europe = {c.site.region for r in regions(blueprint("active-active")) if r.name == "europe" for c in r.clusters}
    assert goes["eu-west-1"] in europe - {"eu-west-1"}
    assert policy["tls"]["mode"] == "ISTIO_MUTUAL"


def test_between_networks_tls_goes_through_and_nothing_unknown_is_called() -> None:
    (between,) = [
        d
        for d in manifests("mesh/istio/aws-eu-west-1/")
        if d.get("kind") == "Gateway" and d["metadata"]["name"] == "cross-network"
    ]
    (server,) = between["spec"]["servers"]
    assert (server["port"]["number"], server["tls"]["mode"]) == (15443, "AUTO_PASSTHROUGH")
    settings = [d["meshConfig"] for d in manifests("mesh/istio/") if "meshConfig" in d]
    assert len(settings) == len(blueprint("active-active").clusters)
    assert {s["outboundTrafficPolicy"]["mode"] for s in settings} == {"REGISTRY_ONLY"}


def test_what_answers_in_another_cluster_is_reached_from_gateways_and_workloads() -> None:
    """Out by the port between gateways of the mesh, and in from the namespace where these are."""
    rules = {d["metadata"]["name"]: d["spec"] for d in manifests("mesh/istio/base/") if d["kind"] == "NetworkPolicy"}
    for name in ("gateway", "jobs"):
        egress = rules[name]["egress"]
        assert {443, 15443} <= {p["port"] for r in egress if "ipBlock" in r["to"][0] for p in r["ports"]}, name
    base = yaml.safe_load_all(kubernetes.render(blueprint("active-active")).files["kubernetes/base/policies.yaml"])
    (calls,) = [d["spec"] for d in base if d["metadata"]["name"] == "calls"]
    callers = [one["namespaceSelector"]["matchLabels"] for one in calls["ingress"][0]["from"]]
    assert {"kubernetes.io/metadata.name": "istio-system"} in callers
