"""Shares over three clouds: 40/35/25; one site drained, the declared 60/40; served again, 40/35/25."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from running import gateway

REQUESTS = 40  # shares are exact over each run of 20


def main() -> None:
    with gateway("active-active") as running:
        usual = running.sites("assistant", REQUESTS)
        print(f"all sites serve: {dict(usual)}")
        assert usual == {"aws/us-east-1": 16, "gcp/us-central1": 14, "azure/eastus": 10}

        running.command("sites", "drain", "aws/us-east-1", "--reason", "example")
        moved = running.sites("assistant", REQUESTS)
        print(f"without aws/us-east-1: {dict(moved)}")
        assert moved == {"gcp/us-central1": 24, "azure/eastus": 16}

        running.command("sites", "serve", "aws/us-east-1")
        back = running.sites("assistant", REQUESTS)
        print(f"served again: {dict(back)}")
        assert back == usual

        running.command("sandbox", "fault", "add", "outage", "--site", "gcp/us-central1")
        lost = running.sites("assistant", REQUESTS)
        print(f"gcp/us-central1 is gone: {dict(lost)}")
        assert lost["gcp/us-central1"] == 0


if __name__ == "__main__":
    main()
