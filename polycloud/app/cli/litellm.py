"""From a LiteLLM ``config.yaml`` to an estate: what can be carried over, and a list of what can not.

Fields of ``model_list`` and ``litellm_params`` as documented at docs.litellm.ai/docs/proxy/configs (2026-11).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from polycloud.catalog import Catalog

ENVIRONMENT = "os.environ/"
AZURE_SITE = "eastus"  # LiteLLM's file names a resource and no region; the note says so
BEDROCK_REGION = "us-east-1"
VERTEX_REGION = "us-central1"
PROFILES = ("us", "eu", "apac", "global", "jp", "au")
OWN_KEYS = frozenset({"model", "api_base", "api_key", "api_version", "aws_region_name", "vertex_project"})
READ_KEYS = OWN_KEYS | {"vertex_location", "region_name", "base_model"}
HARMLESS = frozenset({"model_list"})


class Converted(msgspec.Struct):
    """``estate`` as plain values; ``notes`` say what was left out or assumed."""

    estate: dict[str, Any]
    notes: list[str]


def convert(config: Mapping[str, Any], name: str, catalog: Catalog) -> Converted:
    """An estate with the same public model names. Nothing is guessed towards another provider."""
    return _Conversion(config, name, catalog).run()


class _Conversion:
    def __init__(self, config: Mapping[str, Any], name: str, catalog: Catalog) -> None:
        self._config = config
        self._catalog = catalog
        self._notes: list[str] = []
        self._clouds: dict[str, dict[str, Any]] = {}
        self._halls: dict[str, dict[str, Any]] = {}
        self._secrets: dict[str, dict[str, str]] = {}
        self._models: dict[str, list[dict[str, Any]]] = {}
        self._name = name

    def run(self) -> Converted:
        entries = self._config.get("model_list")
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and isinstance(entry.get("litellm_params"), dict) and entry.get("model_name"):
                info = entry.get("model_info")
                base = info.get("base_model") if isinstance(info, dict) else None
                params = {**({"base_model": base} if base else {}), **entry["litellm_params"]}
                self._entry(str(entry["model_name"]), params)
            else:
                self._notes.append(f"model_list[{number}]: not a model with litellm_params; left out")
        for key in self._config:
            if key not in HARMLESS:
                self._notes.append(f"{key}: not carried over; routes, teams and limits of an estate say this")
        parts = {
            "estate": self._name,
            "clouds": self._clouds,
            "onprem": self._halls,
            "secrets": self._secrets,
            "models": {name: {"deployments": rows} for name, rows in self._models.items()},
            "teams": {"default": {}},
        }
        return Converted({key: value for key, value in parts.items() if value}, self._notes)

    def _entry(self, public: str, params: Mapping[str, Any]) -> None:
        provider, _, model = str(params.get("model", "")).partition("/")
        if not model:
            self._notes.append(f"{public}: {provider!r} names no provider; left out")
            return
        makers = {"azure": self._azure, "bedrock": self._bedrock, "vertex_ai": self._vertex, "openai": self._openai}
        makers["hosted_vllm"] = self._openai
        if "claude" in model:
            makers["azure_ai"] = self._azure
        if provider not in makers:
            self._notes.append(f"{public}: provider {provider!r} is none that this version serves; left out")
            return
        if "*" in public or "*" in model:
            self._notes.append(f"{public}: a wildcard of models; write down those that you use")
            return
        row = makers[provider](public, model, params)
        if row is not None:
            self._models.setdefault(public, []).append(row)
            unread = sorted(set(params) - READ_KEYS)
            if unread:
                self._notes.append(f"{public}: {', '.join(unread)}: not carried over")

    def _azure(self, public: str, model: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        host = urlsplit(self._value(params.get("api_base"))).hostname or ""
        named = self._region_in(host.split(".")[0])
        region = str(params.get("region_name") or named or AZURE_SITE)
        cloud = self._cloud("azure", region, params.get("api_key"))
        if host:
            resource = host.split(".")[0].replace(region, "{region}")
            if cloud.setdefault("resource", resource) != resource:
                self._notes.append(f"{public}: a second Azure resource, {resource}: one is served; left out")
                return None
        else:
            self._notes.append(f"{public}: its api_base is not written out; set clouds.azure.resource")
        if params.get("api_version") and "claude" not in model:
            kept = "the v1 paths are called, which need none; clouds.azure.api: deployments keeps it"
            self._notes.append(f"{public}: api_version {params['api_version']}: {kept}")
        if not params.get("region_name"):
            by = f"{region} is assumed" + (", by its name" if named else "; correct it, residency rests on it")
            self._notes.append(f"{public}: the file does not say in which region {host or 'it'} is; {by}")
        known = str(params.get("base_model") or model).removeprefix("azure/").removeprefix("azure_ai/")
        row = self._row(f"azure/{region}", public, known, model if known != model else None, "azure")
        if "claude" not in known:
            return row
        self._notes.append(f"{public}: where Claude on Azure runs is not said; give hosting, and the profile it has")
        return {**row, "profile": "global"}

    def _region_in(self, name: str) -> str:
        """The Azure region that a resource is named after; "" when it is named after none."""
        known = (site.id.partition("/")[2] for site in self._catalog.sites("azure"))
        found = [region for region in known if region in name]
        return max(found, key=len, default="")

    def _bedrock(self, public: str, model: str, params: Mapping[str, Any]) -> dict[str, Any]:
        region = self._value(params.get("aws_region_name")) or BEDROCK_REGION
        self._cloud("aws", region, None)
        model = model.removeprefix("converse/").removeprefix("invoke/")
        profile, _, rest = model.partition(".")
        row = self._row(f"aws/{region}", public, rest if profile in PROFILES else model, None, "aws")
        return {**row, "profile": profile} if profile in PROFILES else row

    def _vertex(self, public: str, model: str, params: Mapping[str, Any]) -> dict[str, Any]:
        region = self._value(params.get("vertex_location")) or VERTEX_REGION
        everywhere = region == "global"
        cloud = self._cloud("gcp", VERTEX_REGION if everywhere else region, None)
        project = self._value(params.get("vertex_project"))
        if project:
            cloud.setdefault("project", project)
        else:
            cloud.setdefault("project", "PROJECT")
            self._notes.append(f"{public}: its vertex_project is not written out; set clouds.gcp.project")
        row = self._row(f"gcp/{VERTEX_REGION if everywhere else region}", public, model, None, "gcp")
        return {**row, "profile": "global"} if everywhere else row

    def _openai(self, public: str, model: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        base = self._value(params.get("api_base"))
        host = urlsplit(base).hostname
        if not host or host == "api.openai.com":
            self._notes.append(f"{public}: OpenAI's own service is none of the clouds here; left out")
            return None
        name = "".join(c if c.isalnum() else "-" for c in host).strip("-").lower()
        name = name if name[:1].isalpha() else f"hall-{name}"
        hall = self._halls.setdefault(name, {"models_at": base})
        if hall["models_at"] != base:
            self._notes.append(f"{public}: a second server on {host}; left out")
            return None
        secret = self._secret(params.get("api_key"), public)
        if secret:
            hall["credentials"] = secret
        return {"at": f"onprem/{name}", "model": model}

    def _row(self, site: str, public: str, model: str, upstream: str | None, cloud: str) -> dict[str, Any]:
        """A deployment; a model of the catalogue is written by its name there."""
        found = self._catalog.model(cloud, model)
        if found is None:
            self._notes.append(f"{public}: {model} is not in the catalogue: give its price and features")
        row = {"at": site, "model": found.name if found else model}
        if row["model"] == public:
            del row["model"]
        return {**row, "upstream": upstream} if upstream else row

    def _cloud(self, name: str, region: str, key: object) -> dict[str, Any]:
        cloud = self._clouds.setdefault(name, {"sites": []})
        if region not in cloud["sites"]:
            cloud["sites"].append(region)
        secret = self._secret(key, name) if key else ""
        if secret and cloud.setdefault("credentials", secret) != secret:
            self._notes.append(f"clouds.{name}: more than one key; {cloud['credentials']} is used")
        return cloud

    def _secret(self, value: object, what: str) -> str:
        """A reference to a secret; its text is never copied."""
        if not value:
            return ""
        text = str(value)
        if not text.startswith(ENVIRONMENT):
            self._notes.append(f"{what}: its key stands in the file in plain text and was not copied; name a secret")
            return ""
        variable = text.removeprefix(ENVIRONMENT)
        name = variable.lower().replace("_", "-")
        self._secrets[name] = {"env": variable}
        return f"secret:{name}"

    def _value(self, value: object) -> str:
        """A plain value; one that stands in a variable is not known here."""
        text = str(value or "")
        return "" if text.startswith(ENVIRONMENT) else text
