# SPDX-License-Identifier: Apache-2.0
"""What stands beside its record: a folder of files named by the SHA-256 of their bytes."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from .record import MAX_BLOB_BYTES
from .report import Place, Report
from .strict import StrictError, read_bounded

MAX_BLOBS = 1_000_000
_NAME = re.compile(r"[0-9a-f]{64}")


def load(folder: Path, shown: str, report: Report) -> dict[bytes, bytes]:
    """Every blob of a folder by its name; a file whose bytes have another digest is a finding."""
    blobs: dict[bytes, bytes] = {}
    if not folder.is_dir():
        return blobs
    for path in sorted(folder.iterdir()):
        place = Place(f"{shown}/{path.name}")
        if path.name.endswith(".new"):
            continue  # an interrupted write, which carries nothing
        if _NAME.fullmatch(path.name) is None or len(blobs) >= MAX_BLOBS:
            report.refute("SURPLUS", "no blob has this name", place)
            continue
        digest = bytes.fromhex(path.name)
        try:
            data = read_bounded(path, MAX_BLOB_BYTES)
        except StrictError as error:
            report.refute("BLOB_HASH", str(error), place)
            continue
        blobs[digest] = data
        if sha256(data).digest() != digest:
            report.refute("BLOB_HASH", "the bytes have another digest", place)
    return blobs
