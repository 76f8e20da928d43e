"""Oracle Cloud leads, everything stays in the EU: lose Frankfurt, go on from Amsterdam; then lose that too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from running import gateway

EUROPE = {"oci/eu-frankfurt-1", "oci/eu-amsterdam-1", "azure/westeurope", "azure/germanywestcentral", "aws/eu-west-1"}


def main() -> None:
    with gateway("oci-primary") as running:
        usual = running.sites("llama", 20)
        print(f"llama: {dict(usual)}")
        assert set(usual) == {"oci/eu-frankfurt-1", "oci/eu-amsterdam-1"}
        bought = {running.ask("llama").deployment for _ in range(10)}
        print(f"Frankfurt's requests fill the bought capacity: {sorted(bought)}")
        assert bought == {"oci/eu-frankfurt-1/llama", "oci/eu-amsterdam-1/llama"}

        running.command("sites", "fail", "oci/eu-frankfurt-1", "--reason", "drill")
        moved = running.sites("llama", 10)
        print(f"without Frankfurt: {dict(moved)}")
        assert set(moved) == {"oci/eu-amsterdam-1"}

        running.command("sites", "fail", "oci/eu-amsterdam-1", "--reason", "drill")
        other = running.ask("llama", data_class="ledger")
        print(f"without Oracle, for the ledger: {other.deployment} ({other.headers.get('x-polycloud-equivalent')})")
        assert other.status == 200
        assert other.site in EUROPE
        assert other.site.startswith("azure/")

        last = running.ask("gpt-oss", data_class="ledger")
        print(f"gpt-oss for the ledger, left at AWS alone: {last.status}, {last.body['error']}")
        assert last.status == 503, "the ledger is not for AWS, whatever is left"
        general = running.ask("gpt-oss")
        print(f"gpt-oss for other data: {general.deployment}")
        assert general.site == "aws/eu-west-1"


if __name__ == "__main__":
    main()
