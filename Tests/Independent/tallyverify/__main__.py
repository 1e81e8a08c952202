# SPDX-License-Identifier: Apache-2.0
"""The command: `python3 -m tallyverify PATH [--key FILE] [--record FILE] [--json]`, or `--serve`.

Exit code 0: verified. 1: refuted. 2: not verified, what is missing is named.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import directory, mirror, receipt
from .ledger import parse_keys
from .note import VerifierKey
from .receipt import ReceiptError
from .report import Place, Report
from .strict import StrictError, json_value, read_bounded

MAX_REQUEST_BYTES = 65_536


def _keys(path: str | None) -> list[VerifierKey] | None:
    return None if path is None else parse_keys(read_bounded(Path(path), 65_536))


def _folder(path: Path, keys: list[VerifierKey] | None, report: Report) -> None:
    try:
        format_ = read_bounded(path / "FORMAT", 64)
    except StrictError as error:
        format_ = str(error).encode()
    if format_ == directory.FORMAT:
        directory.verify(path, keys, report)
    elif format_ == mirror.FORMAT:
        mirror.verify(path, keys, report)
    elif (path / "FORMAT").exists():
        report.refute("FILE", "neither a data directory nor a mirror", Place("FORMAT"))
    else:
        report.unchecked.append("FORMAT: there is none, so this is no data directory and no mirror")


def _receipt(
    path: Path, record: str | None, keys: list[VerifierKey] | None, report: Report
) -> None:
    report.kind = "receipt"
    try:
        data = read_bounded(path, receipt.MAX_RECEIPT_BYTES)
        if data.startswith(receipt.PROOF_TYPE.encode()):
            if record is None:
                report.unchecked.append("RECEIPT_PROOF: a tlog-proof needs its record (--record)")
                return
            parsed = receipt.parse_tlog_proof(data, read_bounded(Path(record), 65_535))
        else:
            parsed = receipt.parse_json(data)
        if not keys:
            report.unchecked.append("SIGNATURE: no key is given, and a receipt brings none")
            return
        judged = receipt.verify(parsed, keys)
    except ReceiptError as error:
        report.refute(error.name, error.detail, Place(path.name))
        return
    except StrictError as error:
        report.refute("RECEIPT_FORMAT", str(error), Place(path.name))
        return
    report.size, report.root = judged.size, judged.root
    report.notes.append(f"record {parsed.index} of {judged.origin}")


def judge(path: str, key: str | None = None, record: str | None = None) -> Report:
    """The report on a folder or a receipt; what cannot be read at all is not verified."""
    report = Report()
    try:
        keys = _keys(key)
    except (StrictError, OSError) as error:
        report.unchecked.append(f"SIGNATURE: the file of keys: {error}")
        return report
    try:
        place = Path(path)
        if place.is_dir():
            _folder(place, keys, report)
        elif place.is_file():
            _receipt(place, record, keys, report)
        else:
            report.unchecked.append("there is nothing at this path")
    except OSError as error:
        report.unchecked.append(f"cannot be read: {error.strerror}")
    return report


def _answer(line: bytes) -> dict[str, Any]:
    try:
        request = json_value(line)
    except StrictError as error:
        return {"error": str(error)}
    allowed = {"path", "key", "record"}
    if not isinstance(request, dict) or not isinstance(request.get("path"), str):
        return {"error": "a request is an object with the member path"}
    if request.keys() - allowed:
        return {"error": f"members are {', '.join(sorted(allowed))}"}
    key, record = request.get("key"), request.get("record")
    if not all(item is None or isinstance(item, str) for item in (key, record)):
        return {"error": "key and record are paths"}
    return judge(request["path"], key, record).json()


def serve() -> int:
    """One JSON request a line, one JSON answer a line, until the input ends."""
    while line := sys.stdin.buffer.readline(MAX_REQUEST_BYTES):
        sys.stdout.write(json.dumps(_answer(line)) + "\n")
        sys.stdout.flush()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="tallyverify", description=__doc__)
    parser.add_argument("path", nargs="?", help="a data directory, a mirror, or a receipt")
    parser.add_argument("--key", help="file of public keys, one a line")
    parser.add_argument("--record", help="the record beside a receipt in the form tlog-proof")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--serve", action="store_true", help="answer requests on standard input")
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    if arguments.path is None:
        parser.error("a path, or --serve")
    report = judge(arguments.path, arguments.key, arguments.record)
    print(json.dumps(report.json()) if arguments.json else report.text())
    return report.exit


if __name__ == "__main__":
    sys.exit(main())
