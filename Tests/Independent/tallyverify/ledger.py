# SPDX-License-Identifier: Apache-2.0
"""What data directories and mirrors share: records in order, keys, checkpoints, the head."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from . import record as records
from .note import MAX_NOTE_BYTES, Checkpoint, NoteError, VerifierKey, open_checkpoint
from .record import RecordError
from .replay import Located, Replay
from .report import Place, Report
from .strict import StrictError, decimal, read_bounded
from .tree import Roots, leaf_hash

MAX_KEYS = 64
MAX_SAVED = 100_000


@dataclass(frozen=True)
class Stored:
    """The bytes of a record and where they were read."""

    data: bytes
    file: str
    offset: int


@dataclass(frozen=True)
class Head:
    size: int
    root: bytes


def _crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC32C = _crc32c_table()


def crc32c(data: bytes) -> int:
    value = 0xFFFF_FFFF
    for byte in data:
        value = value >> 8 ^ _CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF_FFFF


def parse_head(data: bytes) -> Head:
    """The four lines of docs/formats/data-directory.md."""
    try:
        lines = data.decode("ascii", "strict").split("\n")
    except UnicodeDecodeError as error:
        raise StrictError("not ASCII") from error
    if len(lines) != 5 or lines[0] != "tallystick head 1" or lines[4] != "":
        raise StrictError("not four lines of a head")
    size, root, log = (line.split(" ") for line in lines[1:4])
    if size[0] != "size" or root[0] != "root" or log[0] != "log":
        raise StrictError("no size, root and log")
    if len(size) != 2 or len(root) != 2 or len(log) != 3:
        raise StrictError("another number of words")
    checked = data[: data.rindex(b" ") + 1]
    if f"{crc32c(checked):08x}" != log[2]:
        raise StrictError("the checksum is another")
    if len(root[1]) != 64 or any(digit not in "0123456789abcdef" for digit in root[1]):
        raise StrictError("a root has 64 hexadecimal digits")
    decimal(log[1])
    return Head(decimal(size[1]), bytes.fromhex(root[1]))


def read_head(folder: Path, report: Report) -> Head | None:
    path = folder / "head"
    if not path.exists():
        return None
    try:
        return parse_head(read_bounded(path, 4_096))
    except StrictError as error:
        report.refute("FILE", str(error), Place("head"))
        return None


def parse_keys(data: bytes) -> list[VerifierKey]:
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise StrictError("not UTF-8") from error
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > MAX_KEYS:
        raise StrictError(f"more than {MAX_KEYS} keys")
    return [VerifierKey.parse(line) for line in lines]


def read_keys(folder: Path, given: list[VerifierKey] | None, report: Report) -> list[VerifierKey]:
    """The keys that were given, else those of the folder, which the report then says."""
    path = folder / "vkeys"
    own: list[VerifierKey] = []
    if path.exists():
        try:
            own = parse_keys(read_bounded(path, 65_536))
        except StrictError as error:
            report.refute("KEY_FORMAT", str(error), Place("vkeys"))
    if given is not None:
        return given
    if own:
        report.notes.append("key taken from the directory")
    return own


class Ledger:
    """Records that were decoded and executed."""

    def __init__(self, stored: list[Stored], blobs: dict[bytes, bytes], report: Report) -> None:
        self.report = report
        self.stored = stored
        self.leaves = [leaf_hash(one.data) for one in stored]
        self.roots = Roots(self.leaves)
        self.needed: set[bytes] = set()
        self.replay = Replay(report)
        located = self._decode(blobs)
        self.is_whole = len(located) == len(stored)
        self.replay.run(located)
        if self.is_whole and self.replay.is_whole:
            report.state_digest = self.replay.state.digest()

    @property
    def size(self) -> int:
        return len(self.stored)

    def _decode(self, blobs: dict[bytes, bytes]) -> list[Located]:
        """The records up to the first that is none."""
        located: list[Located] = []
        for index, one in enumerate(self.stored):
            place = Place(one.file, one.offset, index)
            try:
                record = records.envelope(one.data)
                if not self._has_blobs(record, blobs, place):
                    return located
                records.complete(record, blobs)
            except RecordError as error:
                self.report.refute(error.name, str(error), place)
                self.report.notes.append(f"records from {index} on are not executed")
                return located
            located.append(Located(record, self.leaves[index], place))
        return located

    def _has_blobs(
        self, record: records.Record, blobs: dict[bytes, bytes], place: Place
    ) -> bool:
        is_there = True
        for reference in record.references:
            self.needed.add(reference.digest)
            data = blobs.get(reference.digest)
            name = reference.digest.hex()
            if data is None:
                self.report.refute("BLOB_MISSING", f"blob {name} is not there", place)
                is_there = False
            elif len(data) != reference.length or sha256(data).digest() != reference.digest:
                self.report.refute("BLOB_HASH", f"blob {name} has other bytes", place)
                is_there = False
        return is_there

    def compare(self, head: Head | Checkpoint, name: str, file: str) -> None:
        """The root of a prefix; `name` is the finding when it is another."""
        if head.size > self.size:
            detail = f"{self.size} records are there, {head.size} are named"
            self.report.refute("MISSING", detail, Place(file))
        elif self.roots.at(head.size) != head.root:
            detail = f"the root of {head.size} records is another"
            self.report.refute(name, detail, Place(file))

    def checkpoint(
        self, path: Path, file: str, keys: list[VerifierKey], name: str
    ) -> Checkpoint | None:
        """A checkpoint whose signature, origin and root hold; none after a finding."""
        try:
            data = read_bounded(path, MAX_NOTE_BYTES)
        except StrictError as error:
            self.report.refute("NOTE_FORMAT", str(error), Place(file))
            return None
        if not keys:
            self.report.unchecked.append(f"SIGNATURE of {file}: no key is known")
            return None
        try:
            checkpoint, _ = open_checkpoint(data, keys, None)
        except NoteError as error:
            self.report.refute(error.name, error.detail, Place(file))
            return None
        origin = self.replay.origin_at(checkpoint.size)
        if origin is not None and checkpoint.origin.encode() != origin:
            detail = f"the origin is '{checkpoint.origin[:80]}'"
            self.report.refute("ORIGIN", detail, Place(file))
            return None
        self.compare(checkpoint, name, file)
        return checkpoint

    def saved(self, folder: Path, keys: list[VerifierKey], beyond: int | None) -> None:
        """Every saved checkpoint; those above `beyond` may be left by an interrupted write."""
        if not folder.is_dir():
            return
        for count, path in enumerate(sorted(folder.iterdir())):
            file = f"checkpoints/{path.name}"
            if path.name.endswith(".new"):
                continue
            is_name = len(path.name) == 20 and path.name.isascii() and path.name.isdigit()
            if not is_name or count >= MAX_SAVED:
                self.report.refute("SURPLUS", "no checkpoint has this name", Place(file))
                continue
            if beyond is not None and int(path.name) > beyond and int(path.name) > self.size:
                self.report.notes.append(f"{file} is beyond what is here")
                continue
            checkpoint = self.checkpoint(path, file, keys, "FORK")
            if checkpoint is not None and checkpoint.size != int(path.name):
                self.report.refute("CHECKPOINT_FORMAT", "its name is another size", Place(file))
