# SPDX-License-Identifier: Apache-2.0
"""The paths of C2SP tlog-tiles, entry bundles, and mirror directories (docs/formats/mirror.md)."""

from __future__ import annotations

import re
from .tree import TILE_WIDTH

MAX_LEVEL = 63
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([0-9]{1,3}))?")


class BundleError(Exception):
    """Bytes that are not the bundle of so many records."""

    def __init__(self, name: str, detail: str, offset: int) -> None:
        super().__init__(detail)
        self.name = name
        self.offset = offset


def index_path(number: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


def _with_width(path: str, width: int) -> str:
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def tile_path(level: int, number: int, width: int) -> str:
    return _with_width(f"tile/{level}/{index_path(number)}", width)


def entry_path(number: int, width: int) -> str:
    return _with_width(f"tile/entries/{index_path(number)}", width)


def parse_path(path: str) -> tuple[int | None, int, int] | None:
    """Level (none for entries), number and width of a canonical path; none when it is not one."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    kind, upper, last, partial = found.groups()
    number = int(upper.replace("x", "").replace("/", "") + last)
    width = TILE_WIDTH if partial is None else int(partial)
    if number >= 1 << 63 or not 1 <= width <= TILE_WIDTH or (partial and width == TILE_WIDTH):
        return None
    level = None if kind == "entries" else int(kind)
    if level is not None and level > MAX_LEVEL:
        return None
    made = entry_path(number, width) if level is None else tile_path(level, number, width)
    return (level, number, width) if made == path else None


def split_bundle(data: bytes, count: int) -> list[bytes]:
    """The records of a bundle, exactly `count` of them and nothing behind."""
    records: list[bytes] = []
    at = 0
    while len(records) < count:
        if at + 2 > len(data):
            raise BundleError("BUNDLE" if at < len(data) else "MISSING", "it ends too early", at)
        length = int.from_bytes(data[at : at + 2], "big")
        if at + 2 + length > len(data):
            raise BundleError("BUNDLE", "a record ends behind it", at)
        records.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(data):
        raise BundleError("BUNDLE", "bytes behind the last record", at)
    return records
