# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Key ages over time as an SVG: percentiles of all Active keys, and the line that none may pass."""

from __future__ import annotations

from collections.abc import Sequence

from .simulate_settings import PROMISE_DAYS

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 64, 168, 64, 56
TOP_DAYS = 120
LABEL_PITCH = 17
"""Labels stand at least so far apart (pixels)."""
PERCENTILES = (
    (100.0, "oldest", "#b3261e"),
    (99.0, "99 %", "#d97706"),
    (50.0, "median", "#1d4ed8"),
    (10.0, "10 %", "#0f766e"),
)
FONT = 'font-family="Helvetica, Arial, sans-serif"'


def percentile(histogram: Sequence[int], share: float, bin_days: float) -> float:
    """The age (days) that so many per cent of the keys do not pass; the upper edge of its bin."""
    wanted = sum(histogram) * share / 100.0
    seen = 0
    for index, number in enumerate(histogram):
        seen += number
        if number and seen >= wanted:
            return (index + 1) * bin_days
    return 0.0


def svg(samples: Sequence[Sequence[int]], sample_days: float, bin_days: float, title: str) -> str:
    """The plot.

    Args:
        samples: per moment a histogram of the ages of all Active keys.
    """
    years = max(len(samples) - 1, 1) * sample_days / 365
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(sample: float) -> float:
        return LEFT + wide * sample * sample_days / 365 / years

    def y(days: float) -> float:
        return TOP + high * (1 - min(days, TOP_DAYS) / TOP_DAYS)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img">',
        f"<title>{_safe(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 30, title, 18, "#111827", weight="bold"),
        _text(
            LEFT,
            50,
            f"Age of all Active keys in days, each week. At the top: {TOP_DAYS} and more, keys from before enrolment",
            13,
            "#4b5563",
        ),
    ]
    for days in range(0, TOP_DAYS + 1, 30):
        parts.append(_line(LEFT, y(days), LEFT + wide, y(days), "#e5e7eb"))
        parts.append(_text(LEFT - 10, y(days) + 4, f"{days}", 13, "#4b5563", "end"))
    step = 365 / sample_days if years > 2 else 365 / sample_days / 4
    ticks = int((len(samples) - 1) / step + 0.05) + 1  # the last sample may stand a few days before the end
    for number in range(ticks):
        at = min(x(number * step), LEFT + wide)
        parts.append(_line(at, TOP + high, at, TOP + high + 6, "#9ca3af"))
        label = f"year {number}" if years > 2 else f"month {number * 3}"
        parts.append(_text(at, TOP + high + 24, label, 13, "#4b5563", "middle"))
    below = y(PROMISE_DAYS) - 8
    for share, name, colour in PERCENTILES:
        ages = [percentile(histogram, share, bin_days) for histogram in samples]
        points = " ".join(f"{x(number):.1f},{y(age):.1f}" for number, age in enumerate(ages) if any(samples[number]))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        below = max(below + LABEL_PITCH, y(ages[-1] if ages else 0.0) + 4)
        parts.append(_text(LEFT + wide + 10, below, name, 13, colour, weight="bold"))
    parts.append(_line(LEFT, y(PROMISE_DAYS), LEFT + wide, y(PROMISE_DAYS), "#b3261e", 'stroke-dasharray="6 4"'))
    parts.append(_text(LEFT + wide + 10, y(PROMISE_DAYS) - 8, f"{PROMISE_DAYS} days: the promise", 13, "#b3261e"))
    return "\n".join([*parts, "</svg>", ""])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {more}/>'


def _text(x: float, y: float, text: str, size: int, colour: str, anchor: str = "start", weight: str = "normal") -> str:
    style = f'{FONT} font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{_safe(text)}</text>'


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
