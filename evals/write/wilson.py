"""A share of a count, with the interval that a count of its size deserves."""

from __future__ import annotations

from dataclasses import dataclass

_Z = 1.96  # 95 %


@dataclass(frozen=True)
class Share:
    """`right` of `of`."""

    right: int = 0
    of: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.right + other.right, self.of + other.of)

    @property
    def value(self) -> float:
        """In [0, 1]; 0 of nothing is 0."""
        return self.right / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (Wilson 1927), in [0, 1]; of nothing, everything is possible."""
        if not self.of:
            return 0.0, 1.0
        scale = 1 + _Z**2 / self.of
        middle = (self.value + _Z**2 / (2 * self.of)) / scale
        reach = _Z * (self.value * (1 - self.value) / self.of + _Z**2 / (4 * self.of**2)) ** 0.5 / scale
        return max(middle - reach, 0.0), min(middle + reach, 1.0)

    def __str__(self) -> str:
        if not self.of:
            return "-"
        low, high = self.interval
        return f"{self.value:.1%} [{low:.0%}-{high:.0%}] {self.right}/{self.of}".replace("%", "")
