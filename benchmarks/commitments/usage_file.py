"""Writes the usage file of docs/howto/commit.md to stdout: 26 weeks of hours, made from a seed."""

import csv
import datetime
import math
import random
import sys

WEEKS = 26
START = datetime.datetime(2026, 5, 18, tzinfo=datetime.UTC)
COLUMNS = ("time", "cloud", "region", "sku", "quantity", "unit", "cost")


def main() -> None:
    chance = random.Random(7)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    for hour in range(WEEKS * 168):
        time = START + datetime.timedelta(hours=hour)
        swing = math.sin((time.hour - 8) / 24 * 2 * math.pi) * (1.0 if time.weekday() < 5 else 0.5)
        grown = hour / (WEEKS * 168)

        def machines(
            base: float, day: float, noise: float, growth: float, swing: float = swing, by: float = grown
        ) -> int:
            return max(0, round((base + day * swing + chance.gauss(0, noise)) * (1 + growth * by)))

        stamp = f"{time:%Y-%m-%dT%H:%M}Z"
        tokens = max(0, round(300_000 + 250_000 * swing + chance.gauss(0, 40_000)))
        out.writerows(
            [
                (stamp, "aws", "us-east-1", "p5.48xlarge", machines(10, 3, 1, 0.1), "machines", ""),
                (stamp, "aws", "us-east-1", "m7i.2xlarge", machines(60, 40, 6, 0.0), "machines", ""),
                (stamp, "gcp", "europe-west1", "n2-standard-8", machines(30, 12, 3, -0.2), "machines", ""),
                (stamp, "azure", "westeurope", "gpt-4o", tokens, "tokens/m", round(tokens * 60 / 1e6 * 3.0, 4)),
                (stamp, "oci", "eu-frankfurt-1", "databases", "", "", round(110 + chance.gauss(0, 8), 2)),
            ]
        )


if __name__ == "__main__":
    main()
