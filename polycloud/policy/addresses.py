"""Where each cloud's model service is reached: its published host names, by region and partition.

Sources, 2026-11: botocore 1.44.5 ``data/partitions.json``; oci 2.189.0 ``regions_definitions.REALMS``;
learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure and
.../azure/china/resources-developer-guide; cloud.google.com/vertex-ai/generative-ai/docs/learn/locations.
"""

AWS_DOMAINS = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
AZURE_DOMAINS = {
    "AzureCloud": "openai.azure.com",
    "AzureUSGovernment": "openai.azure.us",
    "AzureChina": "openai.azure.cn",
}
OCI_DOMAINS = {
    "oc1": "oraclecloud.com",
    "oc2": "oraclegovcloud.com",
    "oc3": "oraclegovcloud.com",
    "oc4": "oraclegovcloud.uk",
    "oc19": "oraclecloud.eu",
}
GCP_MULTI_REGIONS = ("us", "eu")


def aws(region: str, partition: str) -> str:
    return f"https://bedrock-runtime.{region}.{AWS_DOMAINS.get(partition, AWS_DOMAINS['aws'])}"


def azure(resource: str, partition: str) -> str:
    return f"https://{resource}.{AZURE_DOMAINS.get(partition, AZURE_DOMAINS['AzureCloud'])}"


def foundry(resource: str, partition: str) -> str:
    """Where the same resource answers for models of other makers, platform.claude.com/docs/en/build-with-claude/
    claude-in-microsoft-foundry, 2026-11."""
    return azure(resource, partition).replace(".openai.", ".services.ai.", 1)


def gcp(location: str) -> str:
    """``location`` is a region, ``global``, or a multi-region (``us``, ``eu``), which keeps processing inside."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in GCP_MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def oci(region: str, partition: str) -> str:
    """Realms of single customers are numbered in their domain: oc8 is at oraclecloud8.com."""
    domain = OCI_DOMAINS.get(partition) or f"oraclecloud{partition.removeprefix('oc')}.com"
    return f"https://inference.generativeai.{region}.oci.{domain}"
