"""Tables and numbers of the report. Pure."""

from collections.abc import Iterable, Sequence
from textwrap import fill

_TENS, _ONES = 100, 10
_WIDTH = 120
_BULLET = "- "
_AS_THEY_ARE = ("|", "#", "!", "<", "```")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers, to the right.

    >>> print(table(["peer", "ms"], [["one", "2"]]))
    | peer | ms |
    | --- | ---: |
    | one | 2 |
    """
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: float | None, unit: str = "") -> str:
    """Return a figure with three digits or more that mean something; a dash when there is none.

    >>> [number(value) for value in (0.0471, 1.5, 14.23, 2232.5, None)]
    ['0.05', '1.50', '14.2', '2,232', '-']
    """
    if value is None:
        return "-"
    size = abs(value)
    digits = 0 if size >= _TENS else 1 if size >= _ONES else 2
    return f"{value:,.{digits}f}{unit}"


def units(value: float | None) -> str:
    """Return capacity units, which come in halves.

    >>> [units(value) for value in (5.0, 2.5, 11165.4, None)]
    ['5', '2.5', '11,165', '-']
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= _TENS else f"{value:.1f}".removesuffix(".0")


def dollars(value: float) -> str:
    """Return an amount in dollars.

    >>> [dollars(value) for value in (0.5912, 12.5, 1400.3)]
    ['$0.59', '$12.50', '$1,400']
    """
    return f"${value:,.0f}" if value >= _TENS else f"${value:.2f}"


def wrapped(document: str) -> str:
    r"""Return a document whose paragraphs and bullets fit its lines, whatever the length of their figures.

    >>> print(wrapped("One\ntwo.\n\n- three\n  four\n- five"))
    One two.
    <BLANKLINE>
    - three four
    - five
    """
    return "\n\n".join(map(_wrapped, document.split("\n\n")))


def _wrapped(block: str) -> str:
    if block.lstrip().startswith(_AS_THEY_ARE):
        return block
    if not block.startswith(_BULLET):
        return _filled(block)
    bullets = f"\n{block}".split(f"\n{_BULLET}")[1:]
    return "\n".join(_filled(f"{_BULLET}{bullet}", "  ") for bullet in bullets)


def _filled(text: str, indent: str = "") -> str:
    plain = " ".join(text.split())
    return fill(plain, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
