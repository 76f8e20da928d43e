"""Counters and histograms as plain numbers; they become Prometheus' families when they are read.

The client's own metrics take a lock and look a label up at every step, which costs more than reading the record.
These belong to one thread.
"""

from bisect import bisect_left
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]


class Tally:
    """A counter of one value for each combination of labels; one without labels shows 0 from the start."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name = f"polycloud_{name}"
        self._text = text
        self._labels = labels
        self._values: dict[Labels, float] = {} if labels else {(): 0}

    def add(self, labels: Labels, more: float) -> None:
        self._values[labels] = self._values.get(labels, 0) + more

    def family(self) -> CounterMetricFamily:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        return family


class Buckets:
    """How many values fell up to each bound, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_to(self, family: HistogramMetricFamily, labels: Labels) -> None:
        names = (*map(floatToGoString, self._bounds), "+Inf")
        family.add_metric(labels, list(zip(names, accumulate(self._counts), strict=True)), self._sum)


class Histogram:
    """Buckets for each value of one label, or for none."""

    def __init__(self, name: str, text: str, bounds: tuple[float, ...], *labels: str) -> None:
        self._name = f"polycloud_{name}"
        self._text = text
        self._bounds = bounds
        self._labels = labels
        self._found: dict[Labels, Buckets] = {}
        if not labels:
            self.of()

    def of(self, *labels: str) -> Buckets:
        found = self._found.get(labels)
        if found is None:
            found = self._found[labels] = Buckets(self._bounds)
        return found

    def family(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, buckets in self._found.items():
            buckets.add_to(family, labels)
        return family
