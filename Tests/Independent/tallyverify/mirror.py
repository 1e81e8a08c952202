# SPDX-License-Identifier: Apache-2.0
"""The paths of C2SP tlog-tiles, entry bundles, and mirror directories (docs/formats/mirror.md)."""

from __future__ import annotations

import re
from pathlib import Path

from . import blobs
from .ledger import Ledger, Stored, read_head, read_keys
from .note import VerifierKey
from .report import Place, Report
from .strict import StrictError, read_bounded
from .tree import HASH_BYTES, TILE_WIDTH

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


# The directory.

FORMAT = b"tallystick mirror 1\n"
MAX_BUNDLE_BYTES = TILE_WIDTH * 65_537
MAX_FILES = 2_000_000
_TOP = frozenset(("FORMAT", "vkeys", "checkpoint", "head", "checkpoints", "tile", "blob"))


class Mirror:
    """The files of a mirror below `tile`, by what their paths say."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.folder = folder
        self.report = report
        self.bundles: dict[int, dict[int, str]] = {}  # number: width: path
        self.tiles: dict[tuple[int, int], dict[int, str]] = {}
        for count, path in enumerate(sorted((folder / "tile").rglob("*"))):
            shown = path.relative_to(folder).as_posix()
            if path.is_dir() or shown.endswith(".new"):
                continue
            parsed = parse_path(shown)
            if parsed is None or count >= MAX_FILES:
                report.refute("SURPLUS", "no tile and no bundle has this path", Place(shown))
                continue
            level, number, width = parsed
            if level is None:
                self.bundles.setdefault(number, {})[width] = shown
            else:
                self.tiles.setdefault((level, number), {})[width] = shown

    def records(self) -> list[Stored]:
        """The records of the widest bundles without a gap; narrower ones are their beginnings."""
        stored: list[Stored] = []
        number = 0
        while number in self.bundles:
            widths = self.bundles[number]
            widest = max(widths)
            part = self._bundle(widths[widest], widest)
            for width, path in widths.items():
                if width != widest and [one.data for one in self._bundle(path, width)] != [
                    one.data for one in part[:width]
                ]:
                    detail = f"other records than in {widths[widest]}"
                    self.report.refute("BUNDLE", detail, Place(path))
            stored += part
            number += 1
            if len(part) < TILE_WIDTH:
                break
        for beyond in sorted(self.bundles.keys() - range(number)):
            for path in self.bundles[beyond].values():
                self.report.notes.append(f"{path} stands behind a gap and is not judged")
        return stored

    def _bundle(self, path: str, width: int) -> list[Stored]:
        try:
            data = read_bounded(self.folder / path, MAX_BUNDLE_BYTES)
            listed = split_bundle(data, width)
        except StrictError as error:
            self.report.refute("BUNDLE", str(error), Place(path))
            return []
        except BundleError as error:
            self.report.refute(error.name, str(error), Place(path, error.offset))
            return []
        stored: list[Stored] = []
        at = 0
        for one in listed:
            stored.append(Stored(one, path, at))
            at += 2 + len(one)
        return stored

    def require(self, size: int) -> None:
        """All that a tree of `size` records needs."""
        level, count = 0, size
        while count:
            full, rest = divmod(count, TILE_WIDTH)
            for number in range(full + (rest > 0)):
                width = TILE_WIDTH if number < full else rest
                if not {width, TILE_WIDTH} & self.tiles.get((level, number), {}).keys():
                    path = tile_path(level, number, width)
                    self.report.refute("MISSING", "there is no such tile", Place(path))
                if level == 0 and not {width, TILE_WIDTH} & self.bundles.get(number, {}).keys():
                    path = entry_path(number, width)
                    self.report.refute("MISSING", "there is no such bundle", Place(path))
            level, count = level + 1, full

    def compare(self, ledger: Ledger) -> None:
        """Every tile whose records are here, byte by byte."""
        levels = ledger.roots.levels
        for (level, number), widths in sorted(self.tiles.items()):
            known = levels[level] if level < len(levels) else []
            expected = known[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]
            for width, path in sorted(widths.items()):
                self._tile(path, width, b"".join(expected))

    def _tile(self, path: str, width: int, expected: bytes) -> None:
        try:
            found = read_bounded(self.folder / path, TILE_WIDTH * HASH_BYTES)
        except StrictError as error:
            self.report.refute("TILE_LENGTH", str(error), Place(path))
            return
        if len(found) != width * HASH_BYTES:
            self.report.refute("TILE_LENGTH", f"not {width} hashes", Place(path))
            return
        shared = min(len(found), len(expected))
        if found[:shared] != expected[:shared]:
            at = next(at for at in range(shared) if found[at] != expected[at])
            self.report.refute("TILE_HASH", "not the hashes of the records", Place(path, at))
        elif shared < len(found):
            self.report.notes.append(f"{path} goes beyond the records that are here")


def verify(folder: Path, given: list[VerifierKey] | None, report: Report) -> None:
    report.kind = "mirror"
    for path in sorted(folder.iterdir()):
        if path.name not in _TOP and not path.name.endswith(".new"):
            report.refute("SURPLUS", "a mirror has no such file", Place(path.name))
    keys = read_keys(folder, given, report)
    head = read_head(folder, report)
    mirror = Mirror(folder, report)
    stored = mirror.records()
    ledger = Ledger(stored, blobs.load(folder / "blob", "blob", report), report)
    mirror.compare(ledger)
    newest = None
    if (folder / "checkpoint").exists():
        newest = ledger.checkpoint(folder / "checkpoint", "checkpoint", keys, "ROOT")
    else:
        report.unchecked.append("checkpoint: the ledger never signed, or it was taken away")
    if head is not None:
        ledger.compare(head, "ROOT", "head")
    for size in {one.size for one in (head, newest) if one is not None}:
        mirror.require(size)
    size = max((one.size for one in (head, newest) if one is not None), default=0)
    report.size = min(size, ledger.size)
    report.root = ledger.roots.at(report.size)
    if newest is not None and newest.size < size:
        report.notes.append(f"records from {newest.size} on are an unsealed tail")
    if ledger.size > size:
        report.notes.append(f"records from {size} on are beyond what the mirror says")
    ledger.saved(folder / "checkpoints", keys, size)
