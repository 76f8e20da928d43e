"""What a sandbox served: requests and tokens by site, model and outcome, as a provider would bill them."""

import msgspec

ROWS_MAX = 10_000  # sites × models × outcomes; beyond it rows fold into the model name "*"


class Row(msgspec.Struct):
    """Token counts are what was generated and sent, also when the caller hung up before the end."""

    site: str
    model: str
    outcome: str
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


class Ledger:
    """Outcomes: ``ok``, ``http_<status>``, the kind of the fault that ended the request, or ``hung_up``: the
    connection was gone before the answer was whole."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}

    def book(
        self,
        site: str,
        model: str,
        outcome: str,
        tokens: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """``tokens``: input, output, read from cache, written to cache."""
        key = (site, model, outcome)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= ROWS_MAX:
                key = (site, "*", outcome)
            row = self._rows.setdefault(key, Row(*key))
        row.requests += 1
        row.input_tokens += tokens[0]
        row.output_tokens += tokens[1]
        row.cache_read_tokens += tokens[2]
        row.cache_write_tokens += tokens[3]

    def rows(self) -> list[Row]:
        return sorted(self._rows.values(), key=lambda r: (r.site, r.model, r.outcome))

    def clear(self) -> None:
        self._rows.clear()
