# SPDX-License-Identifier: Apache-2.0
"""Data directories (docs/formats/data-directory.md, record-files.md)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from . import blobs
from .ledger import Ledger, Stored, read_head, read_keys
from .note import VerifierKey
from .report import Place, Report
from .tree import HASH_BYTES, TILE_WIDTH

FORMAT = b"tallystick data 1\n"
CHUNK = 1 << 20
_ZEROS = bytes(CHUNK)


def _first_nonzero(file: BinaryIO, start: int) -> int | None:
    """The offset of the first byte from `start` on that is not zero."""
    file.seek(start)
    at = start
    while chunk := file.read(CHUNK):
        if chunk != _ZEROS[: len(chunk)]:
            return at + len(chunk) - len(chunk.lstrip(b"\0"))
        at += len(chunk)
    return None


def read_entries(folder: Path, report: Report) -> list[Stored]:
    """The records of `records/entries`, which end at a length of zero or with the file."""
    name = "records/entries"
    stored: list[Stored] = []
    path = folder / name
    if not path.is_file():
        report.refute("MISSING", "there is no such file", Place(name))
        return stored
    with path.open("rb") as file:
        at = 0
        while len(prefix := file.read(2)) == 2:
            length = int.from_bytes(prefix, "big")
            if length == 0:
                break
            data = file.read(length)
            if len(data) < length:
                detail = "the file ends within a record"
                report.refute("BUNDLE", detail, Place(name, at, len(stored)))
                return stored
            stored.append(Stored(data, name, at))
            at += 2 + length
        behind = _first_nonzero(file, at)
        if behind is not None:
            detail = "bytes behind the last record"
            report.refute("SURPLUS", detail, Place(name, behind, len(stored)))
    return stored


def _compare(path: Path, name: str, expected: bytes, wrong: str, report: Report) -> None:
    """A derived file: the expected bytes, and zeros behind them."""
    if not path.is_file():
        if expected:
            report.refute("MISSING", "there is no such file", Place(name))
        return
    with path.open("rb") as file:
        found = file.read(len(expected))
        if found != expected:
            at = next(
                (at for at, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]),
                len(found),
            )
            report.refute(wrong, "the bytes are not those of the records", Place(name, at))
            return
        behind = _first_nonzero(file, len(expected))
        if behind is not None:
            report.refute("SURPLUS", "bytes behind the last one", Place(name, behind))


def _offsets(ledger: Ledger) -> bytes:
    starts = (one.offset for one in ledger.stored[::TILE_WIDTH])
    return b"".join(start.to_bytes(8, "little") for start in starts)


def _tiles(folder: Path, ledger: Ledger, synced: int, report: Report) -> None:
    """Every level; hashes of records above the head may be missing after a crash."""
    tiles = folder / "records" / "tiles"
    levels = [b"".join(level) for level in ledger.roots.levels]
    for level, expected in enumerate(levels):
        name = f"records/tiles/{level}"
        path = tiles / str(level)
        durable = (synced >> 8 * level) * HASH_BYTES
        if synced < ledger.size and path.is_file():
            with path.open("rb") as file:
                tail = file.read(len(expected))[durable:]
            if not tail.strip(b"\0"):
                expected = expected[:durable]
        elif not path.is_file() and not durable:
            continue
        _compare(path, name, expected, "TILE_HASH", report)
    if tiles.is_dir():
        for path in sorted(tiles.iterdir()):
            if path.name not in {str(level) for level in range(len(levels))}:
                _compare(path, f"records/tiles/{path.name}", b"", "SURPLUS", report)


def _positions(folder: Path, ledger: Ledger, report: Report) -> None:
    positions = folder / "records" / "positions"
    expected = {
        book.hex(): b"".join(
            places.get(at, 0).to_bytes(8, "little") for at in range(1, max(places) + 1)
        )
        for book, places in ledger.replay.transactions.items()
        if places
    }
    for name, content in expected.items():
        _compare(positions / name, f"records/positions/{name}", content, "PROJECTION", report)
    if positions.is_dir():
        for path in sorted(positions.iterdir()):
            if path.name not in expected and not path.name.endswith(".new"):
                shown = f"records/positions/{path.name}"
                _compare(path, shown, b"", "PROJECTION", report)


def verify(folder: Path, given: list[VerifierKey] | None, report: Report) -> None:
    report.kind = "data directory"
    report.notes.append("state, views, log and image are not looked at")
    keys = read_keys(folder, given, report)
    head = read_head(folder, report)
    stored = read_entries(folder, report)
    beside = blobs.load(folder / "records" / "blobs", "records/blobs", report)
    ledger = Ledger(stored, beside, report)
    report.size, report.root = ledger.size, ledger.roots.at(ledger.size)
    is_clean = (folder / "sums").exists()
    if head is None and not report.findings:
        (report.refute("MISSING", "there is no head", Place("head")) if is_clean
         else report.unchecked.append("head: there is none"))
    if head is not None:
        ledger.compare(head, "ROOT", "head")
        if head.size < ledger.size:
            if is_clean:
                detail = f"{ledger.size} records after a clean stop at {head.size}"
                report.refute("SURPLUS", detail, Place("records/entries", None, head.size))
            report.notes.append(f"records from {head.size} on are above the head")
    _compare(folder / "records/offsets", "records/offsets", _offsets(ledger), "FILE", report)
    _tiles(folder, ledger, ledger.size if head is None else head.size, report)
    if ledger.is_whole and ledger.replay.is_whole:
        _positions(folder, ledger, report)
        if is_clean:
            for digest in sorted(beside.keys() - ledger.needed):
                place = Place(f"records/blobs/{digest.hex()}")
                report.refute("SURPLUS", "no record names it", place)
    _checkpoints(folder, ledger, keys, report)


def _checkpoints(
    folder: Path, ledger: Ledger, keys: list[VerifierKey], report: Report
) -> None:
    newest = None
    if (folder / "checkpoint").exists():
        newest = ledger.checkpoint(folder / "checkpoint", "checkpoint", keys, "ROOT")
        if newest is not None and newest.size < ledger.size:
            report.notes.append(f"records from {newest.size} on are an unsealed tail")
    elif (folder / "vkeys").exists():
        report.unchecked.append("checkpoint: there is none")
    ledger.saved(folder / "checkpoints", keys, None)
