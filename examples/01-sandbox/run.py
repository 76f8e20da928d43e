"""Five clouds without an account: ask, lose Azure, see the traffic move; then see a request refuse to leave the EU."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from running import gateway


def main() -> None:
    with gateway("sandbox") as running:
        first = running.ask("gpt-4o")
        print(f"gpt-4o is answered by {first.deployment}")
        assert first.status == 200
        assert first.site.startswith("azure/")
        assert first.headers["x-polycloud-simulated"] == "true"

        running.command("sandbox", "fault", "add", "outage", "--cloud", "azure")
        moved = running.ask("gpt-4o")
        print(f"without Azure by {moved.deployment}, attempt {moved.headers['x-polycloud-attempts']}")
        assert moved.status == 200
        assert not moved.site.startswith("azure/")
        assert moved.headers["x-polycloud-equivalent"]
        running.command("sandbox", "fault", "clear")

        running.command("sites", "drain", "azure/westeurope")
        held = running.ask("gpt-4o", data_class="personal-eu")
        print(f"personal data of the EU, with azure/westeurope drained: {held.deployment}")
        assert held.status == 200
        assert held.site == "gcp/europe-west1"

        refused = running.ask("gpt-4o", data_class="secret-de")
        print(f"data that may not leave our hall: {refused.status}, {refused.body['error']}")
        assert refused.status == 403
        running.command("usage")


if __name__ == "__main__":
    main()
