"""An own hall first, two clouds when it is busy or gone; data of the class internal never bursts."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from running import gateway


def main() -> None:
    with gateway("hybrid-burst") as running:
        first = running.ask("llama")
        print(f"llama is answered by {first.deployment}")
        assert first.site == "onprem/frankfurt"

        running.command("sandbox", "fault", "add", "throttle", "--site", "onprem/frankfurt")
        burst = running.ask("llama")
        print(f"the hall is busy: {burst.deployment}")
        assert burst.status == 200
        assert burst.site in {"oci/eu-frankfurt-1", "aws/eu-central-1"}
        running.command("sandbox", "fault", "clear")

        running.command("sites", "drain", "onprem/frankfurt")
        away = running.sites("llama", 10)
        print(f"the hall is drained: {dict(away)}")
        assert away["onprem/frankfurt"] == 0

        held = running.ask("llama", data_class="internal")
        print(f"internal data, with the hall drained: {held.status}, {held.body['error']}")
        assert held.status == 503, "it waits for the hall; no cloud may have it"


if __name__ == "__main__":
    main()
