"""Terraform's provider protocol (version 6, over gRPC) for any provider of which only the schema is known.

    python -m tools.stub_provider.server SCHEMAS SOCKETS NAME...    serves SCHEMAS/<NAME>.json on SOCKETS/<NAME>.sock
                                                                     (oci: its table)

Terraform attaches through TF_REATTACH_PROVIDERS; `run` says how. The server ends when its standard input does.
The messages are those of hashicorp/terraform-plugin-go; pyvider ships them compiled (2026-11).
"""

from __future__ import annotations

import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-not-found, import-untyped, unused-ignore]
import tfplugin6_pb2 as pb  # type: ignore[import-not-found, unused-ignore]

from tools.stub_provider import oci
from tools.stub_provider.rules import Rules, broken
from tools.stub_provider.schema import Attribute, Block, NestedBlock, Nesting, Provider
from tools.stub_provider.values import Value, applied, decode, encode, existing, planned, shaped

THREADS = 8  # Terraform walks ten resources at a time; none of these calls waits for anything
MESSAGE_BYTES_MAX = 64 << 20  # the schema of all of AWS is 5 MB
NESTING: dict[Nesting, int] = {"single": 1, "list": 2, "set": 3, "map": 4}  # the same numbers in both messages


# The packages do not tell what is sensitive. By these names, 2 of 3 attributes that are so in the providers of AWS and
# Azure are found, and 1 of 11 found is not so there (dumps of `terraform providers schema`, 2026-05): too careful is
# harmless, for an output may always be marked sensitive.
SENSITIVE = re.compile(
    r"(?:^|_)(?:passwords?|passphrase|secret|private_key|private_key_pem|preshared_key|shared_key|access_key"
    r"|(?:access|auth|bearer|refresh|sas)_token|connection_string(?:_alias)?|client_secret|secret_string"
    r"|secret_binary|secret_key|primary_key|secondary_key|master_key|function_key|account_key|policy_key|sas_url"
    r"|api_key)(?:_wo)?$|^kube_(?:admin_)?config(?:_raw)?$"
)


def is_sensitive(name: str, attribute: Attribute) -> bool:
    return attribute.get("type") != "bool" and SENSITIVE.search(name) is not None


def attribute_message(name: str, attribute: Attribute) -> Any:
    nested = attribute.get("nested")
    message = pb.Schema.Attribute(
        name=name,
        required=attribute.get("required", False),
        computed=attribute.get("computed", False),
        write_only=attribute.get("write_only", False),
        sensitive=is_sensitive(name, attribute),
    )
    message.optional = not message.required and (attribute.get("optional", False) or not message.computed)
    if nested is None:
        message.type = json.dumps(attribute["type"]).encode()
    else:
        message.nested_type.nesting = NESTING[attribute["nesting"]]
        message.nested_type.attributes.extend(attribute_message(n, a) for n, a in sorted(nested["attributes"].items()))
    return message


def nested_message(name: str, inner: NestedBlock) -> Any:
    one = inner["nesting"] == "single"
    return pb.Schema.NestedBlock(
        type_name=name,
        block=block_message(inner["block"]),
        nesting=NESTING[inner["nesting"]],
        min_items=0 if one else inner["least"],
        max_items=0 if one else inner["most"],
    )


def block_message(block: Block) -> Any:
    return pb.Schema.Block(
        attributes=[attribute_message(name, a) for name, a in sorted(block["attributes"].items())],
        block_types=[nested_message(name, inner) for name, inner in sorted(block["blocks"].items())],
    )


def schema_message(block: Block) -> Any:
    return pb.Schema(version=0, block=block_message(block))


def dynamic(value: Value) -> Any:
    return pb.DynamicValue(msgpack=encode(value))


class StubProvider:
    """One provider: its calls, named as the protocol names them."""

    def __init__(self, provider: Provider, rules: Rules) -> None:
        self._provider = provider
        self._rules = rules
        # Terraform asks for the whole schema once a command; building it takes longer than all else together.
        self._schema = pb.GetProviderSchema.Response(
            provider=schema_message(provider["provider"]),
            resource_schemas={kind: schema_message(block) for kind, block in provider["resources"].items()},
            data_source_schemas={kind: schema_message(block) for kind, block in provider["data_sources"].items()},
            server_capabilities=pb.ServerCapabilities(plan_destroy=False, get_provider_schema_optional=False),
        ).SerializeToString()

    def GetProviderSchema(self, request: Any) -> bytes:  # noqa: N802
        return bytes(self._schema)

    def ValidateProviderConfig(self, request: Any) -> Any:  # noqa: N802
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any) -> Any:  # noqa: N802
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request: Any) -> Any:  # noqa: N802
        return pb.StopProvider.Response()

    def GetFunctions(self, request: Any) -> Any:  # noqa: N802
        return pb.GetFunctions.Response()

    def ValidateResourceConfig(self, request: Any) -> Any:  # noqa: N802
        return pb.ValidateResourceConfig.Response(diagnostics=self._findings(request.type_name, request.config))

    def ValidateDataResourceConfig(self, request: Any) -> Any:  # noqa: N802
        return pb.ValidateDataResourceConfig.Response(
            diagnostics=self._findings(f"data.{request.type_name}", request.config)
        )

    def UpgradeResourceState(self, request: Any) -> Any:  # noqa: N802
        stored = json.loads(request.raw_state.json)
        state = shaped(self._provider["resources"][request.type_name], stored)
        return pb.UpgradeResourceState.Response(upgraded_state=dynamic(state))

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        return pb.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request: Any) -> Any:  # noqa: N802
        prior, proposed = decode(request.prior_state.msgpack), decode(request.proposed_new_state.msgpack)
        block = self._provider["resources"][request.type_name]
        return pb.PlanResourceChange.Response(planned_state=dynamic(planned(block, prior, proposed)))

    def ApplyResourceChange(self, request: Any) -> Any:  # noqa: N802
        plan = decode(request.planned_state.msgpack)
        block = self._provider["resources"][request.type_name]
        return pb.ApplyResourceChange.Response(new_state=dynamic(applied(request.type_name, block, plan)))

    def ImportResourceState(self, request: Any) -> Any:  # noqa: N802
        kind = request.type_name
        state = existing(kind, self._provider["resources"][kind], request.id)
        found = pb.ImportResourceState.ImportedResource(type_name=kind, state=dynamic(state))
        return pb.ImportResourceState.Response(imported_resources=[found])

    def MoveResourceState(self, request: Any) -> Any:  # noqa: N802
        stored = json.loads(request.source_state.json)
        state = shaped(self._provider["resources"][request.target_type_name], stored)
        return pb.MoveResourceState.Response(target_state=dynamic(state))

    def ReadDataSource(self, request: Any) -> Any:  # noqa: N802
        kind = request.type_name
        block = self._provider["data_sources"][kind]
        state = applied(kind, block, planned(block, None, decode(request.config.msgpack)))
        return pb.ReadDataSource.Response(state=dynamic(state))

    def _findings(self, kind: str, config: Any) -> list[Any]:
        return [
            pb.Diagnostic(
                severity=pb.Diagnostic.ERROR,
                summary=f"{'.'.join(path)}: not what the provider accepts",
                detail=detail,
                attribute=pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=path[0])]),
            )
            for path, detail in broken(self._rules.get(kind, {}), decode(config.msgpack))
        ]


class Served:
    """A provider that is read from its file only when Terraform first calls it: most commands need one or two."""

    def __init__(self, name: str, schemas: Path, kinds: set[str], rules: Rules) -> None:
        self._name, self._schemas, self._kinds, self._rules = name, schemas, kinds, rules
        self._provider: StubProvider | None = None
        self._lock = threading.Lock()

    def provider(self) -> StubProvider:
        with self._lock:
            if self._provider is None:
                found = oci.provider() if self._name == "oci" else published(self._schemas / f"{self._name}.json")
                self._provider = StubProvider(chosen(found, self._kinds), self._rules)
            return self._provider

    def handlers(self) -> Any:
        """All calls of `StubProvider` as gRPC handlers; a call that it lacks is answered "unimplemented"."""
        calls = [name for name in dir(StubProvider) if name[0].isupper() and hasattr(pb, name)]
        return grpc.method_handlers_generic_handler("tfplugin6.Provider", {name: self._handler(name) for name in calls})

    def _handler(self, name: str) -> Any:
        def answer(request: Any, _: Any) -> Any:
            return getattr(self.provider(), name)(request)

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=getattr(pb, name).Request.FromString,
            response_serializer=lambda reply: reply if isinstance(reply, bytes) else reply.SerializeToString(),
        )


def published(path: Path) -> Provider:
    provider: Provider = json.loads(path.read_text("utf8"))
    return provider


def chosen(provider: Provider, kinds: set[str]) -> Provider:
    """``provider`` with these resources and data sources alone; all when there are none."""
    if not kinds:
        return provider
    return Provider(
        source=provider["source"],
        version=provider["version"],
        provider=provider["provider"],
        resources={kind: block for kind, block in provider["resources"].items() if kind in kinds},
        data_sources={kind: block for kind, block in provider["data_sources"].items() if kind in kinds},
    )


def main(arguments: list[str]) -> int:
    schemas, sockets, *names = arguments
    kinds = set(sys.stdin.readline().split())
    rules: Rules = json.loads((Path(__file__).parent / "rules.json").read_text("utf8"))
    servers = []
    for name in names:
        server = grpc.server(
            ThreadPoolExecutor(THREADS),
            options=[("grpc.max_send_message_length", MESSAGE_BYTES_MAX), ("grpc.max_receive_message_length", -1)],
        )
        server.add_generic_rpc_handlers((Served(name, Path(schemas), kinds, rules).handlers(),))
        server.add_insecure_port(f"unix:{Path(sockets) / name}.sock")
        server.start()
        servers.append(server)
    print("ready", flush=True)
    sys.stdin.read()
    for server in servers:
        server.stop(None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
