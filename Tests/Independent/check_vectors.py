# SPDX-License-Identifier: Apache-2.0
"""Runs the second verifier over all published vectors; exit code 1 when one has another answer.

Usage: python3 check_vectors.py [FOLDER OF THE PUBLISHED EVIDENCE VECTORS]
Without a folder the copies in Tests/Vectors/evidence are taken.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any, Iterator

from tallyverify import cbor, note, receipt, record, tree
from tallyverify.mirror import BundleError, entry_path, split_bundle, tile_path, parse_path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "Vectors"
ENCODING_FIRST = ("truncated", "utf8")


class Tally:
    """Counts of one file, and what was wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.wrong: list[str] = []

    def check(self, is_right: bool, what: str) -> None:
        self.count += 1
        if not is_right:
            self.wrong.append(what)


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def check_cbor(path: Path, tally: Tally) -> None:
    data = load(path)

    def generated(rule: dict[str, Any]) -> bytes:
        build = rule["build"]
        return bytes.fromhex(build["prefix_hex"]) + bytes.fromhex(build["repeat_hex"]) * build["count"]

    accept = [bytes.fromhex(item["hex"]) for item in data["accept"]]
    accept += [generated(rule) for rule in data["accept_generated"]]
    for raw in accept:
        try:
            tally.check(cbor.encode(cbor.decode(raw)) == raw, f"accept {raw[:20].hex()}: other bytes")
        except cbor.CborError as error:
            tally.check(False, f"accept {raw[:20].hex()}: {error}")
    reject = [(bytes.fromhex(item["hex"]), item["reason"]) for item in data["reject"]]
    reject += [(generated(rule), rule["reason"]) for rule in data["reject_generated"]]
    for raw, reason in reject:
        try:
            cbor.decode(raw)
            tally.check(False, f"reject {raw[:20].hex()}: accepted, not {reason}")
        except cbor.CborError as error:
            tally.check(error.reason == reason, f"reject {raw[:20].hex()}: {error}, not {reason}")
    for item in data["worked_records"]["records"]:
        raw = bytes.fromhex(item["hex"])
        tally.check(tree.leaf_hash(raw).hex() == item["leaf_hash"], "worked record")


def test_leaves(count: int) -> list[bytes]:
    return [tree.leaf_hash(b"tallystick/test/leaf/%d" % at) for at in range(count)]


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def check_merkle(data: dict[str, Any], tally: Tally) -> None:
    leaves = test_leaves(1000)
    for item in data["roots"]:
        expected = bytes.fromhex(item["root"])
        tally.check(tree.root(leaves[: item["size"]]) == expected, f"root of {item['size']}")
        tally.check(tree.Roots(leaves).at(item["size"]) == expected, f"prefix of {item['size']}")
    known = [tree.leaf_hash(bytes.fromhex(leaf)) for leaf in data["ct_known"]["leaves_hex"]]
    for size, expected_text in enumerate(data["ct_known"]["roots"]):
        tally.check(tree.root(known[:size]).hex() == expected_text, f"known root {size}")
    for name, expected_result in (("inclusion", True), ("inclusion_refuse", False)):
        for item in data[name]:
            result = tree.verify_inclusion(
                item["index"],
                item["size"],
                bytes.fromhex(item["leaf_hash"]),
                hashes(item["path"]),
                bytes.fromhex(item["root"]),
            )
            tally.check(result == expected_result, f"{name} {item}"[:120])
    for name, expected_result in (("consistency", True), ("consistency_refuse", False)):
        for item in data[name]:
            result = tree.verify_consistency(
                item["old_size"],
                item["new_size"],
                bytes.fromhex(item["old_root"]),
                bytes.fromhex(item["new_root"]),
                hashes(item["path"]),
            )
            tally.check(result == expected_result, f"{name} {item}"[:120])


def check_notes(path: Path, tally: Tally) -> None:
    data = load(path)
    witnesses = [note.VerifierKey.parse(key["vkey"]) for key in data["witness_keys"]]

    def keys(item: dict[str, Any]) -> list[note.VerifierKey]:
        texts = item.get("trusted_vkeys") or [data[word]["vkey"] for word in item["trusted"]]
        return [note.VerifierKey.parse(text) for text in texts] + witnesses

    for item in data["accept"]:
        raw = base64.b64decode(item["note_b64"])
        try:
            if item.get("kind") == "note":
                note.verify(note.Note.parse(raw), keys(item))
                tally.check(True, "")
                continue
            checkpoint, verified = note.open_checkpoint(raw, keys(item), data["origin"])
            expected = {(one["witness"], one["time"]) for one in item.get("cosignatures", [])}
            found = {(one.witness, one.time) for one in verified.cosigned}
            is_right = checkpoint.size == item["size"] and found == expected
            tally.check(is_right, f"{item['name']}: {checkpoint}, {found}")
        except note.NoteError as error:
            tally.check(False, f"{item['name']}: {error.name} {error}")
    for item in data["refuse"]:
        raw = base64.b64decode(item["note_b64"])
        try:
            note.open_checkpoint(raw, keys(item), data["origin"])
            tally.check(False, f"{item['name']}: accepted")
        except note.NoteError as error:
            is_note = error.name in ("NOTE_FORMAT", "SIGNATURE")
            is_right = is_note != (item["layer"] == "checkpoint")
            tally.check(is_right, f"{item['name']} ({item['layer']}): {error.name} {error}")
    log = note.VerifierKey.parse(data["log_key"]["vkey"])
    for item in data["cosignatures"]:
        witness = note.VerifierKey.parse(item["witness_vkey"])
        try:
            opened = note.open_checkpoint(base64.b64decode(item["note_b64"]), [log, witness], None)
            is_ok = bool(opened[1].cosigned)
        except note.NoteError:
            is_ok = False
        tally.check(is_ok == item["ok"], f"cosignature {item['name']}")


def check_receipts(path: Path, tally: Tally) -> None:
    data = load(path)
    keys = [note.VerifierKey.parse(data[word]) for word in ("vkey", "witness_vkey")]
    for item in data["accept"]:
        try:
            receipt.verify(receipt.parse_json(item["receipt"].encode()), keys, 1)
            tally.check(True, "")
        except receipt.ReceiptError as error:
            tally.check(False, f"{item['name']}: {error.name} {error}")
    proof = data["tlog_proof"]
    beside = base64.b64decode(proof["record_b64"])
    try:
        receipt.verify(receipt.parse_tlog_proof(proof["text"].encode(), beside), keys, 1)
        tally.check(True, "")
    except receipt.ReceiptError as error:
        tally.check(False, f"tlog-proof: {error.name} {error}")
    for item in data["refuse"]:
        try:
            receipt.verify(receipt.parse_json(item["receipt"].encode()), keys, 1)
            tally.check(False, f"{item['name']}: accepted")
        except receipt.ReceiptError as error:
            is_right = error.name == item["error"]
            tally.check(is_right, f"{item['name']}: {error.name} {error}, not {item['error']}")


def check_tiles(path: Path, tally: Tally) -> None:
    data = load(path)
    for item in data["tile_paths"]:
        made = tile_path(item["level"], item["n"], item["width"])
        tally.check(made == item["path"], f"path {item}")
        tally.check(parse_path(item["path"]) is not None, f"parse {item}")
    for item in data["bad_paths"]:
        tally.check(parse_path(item["path"]) is None, f"bad path {item}")
    biggest = max(item["size"] for item in data["contents"])
    leaves = [b"tallystick/test/leaf/%d" % at for at in range(biggest)]
    levels = tree.tile_levels([tree.leaf_hash(leaf) for leaf in leaves])
    for item in data["contents"]:
        parsed = parse_path(item["path"])
        if parsed is None:
            tally.check(False, f"content {item['path']}")
            continue
        level, number, width = parsed
        first = number * 256
        if level is None:
            part = leaves[first : first + width]
            made_bytes = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in part)
            tally.check(split_bundle(made_bytes, width) == part, f"bundle {item['path']}")
        else:
            made_bytes = b"".join(levels[level][first : first + width])
        digest = tree.sha256(made_bytes).hexdigest()
        tally.check(digest == item["sha256"], f"content {item['path']}")
    for item in data["bad_bundles"]:
        try:
            split_bundle(bytes.fromhex(item["hex"]), 1)
            tally.check(False, f"bad bundle {item['why']}")
        except BundleError:
            tally.check(True, "")


def check_records(folder: Path, tally: Tally) -> None:
    data = load(folder / "records.json")
    for item in data["records"]:
        raw = bytes.fromhex(item["hex"])
        try:
            record.decode(raw, {})
            tally.check(cbor.encode(cbor.decode(raw)) == raw, f"record {item['name']}: other bytes")
        except record.RecordError as error:
            tally.check(False, f"record {item['name']}: {error}")
    for item in data["orders"]:
        try:
            record.order(item["name"].split(" ")[0].rstrip(","), cbor.decode(bytes.fromhex(item["hex"])))
            tally.check(True, "")
        except (record.RecordError, cbor.CborError) as error:
            tally.check(False, f"order {item['name']}: {error}")
    for item in data["outcomes"]:
        try:
            record.outcome(cbor.decode(bytes.fromhex(item["hex"])))
            tally.check(True, "")
        except (record.RecordError, cbor.CborError) as error:
            tally.check(False, f"outcome {item['name']}: {error}")
    for item in load(folder / "records-reject.json")["reject"]:
        expected = item["diag"].split(" ")[0]
        raw = bytes.fromhex(item["hex"])
        try:
            if item["name"] == "record":
                record.decode(raw, {})
            else:
                record.order(item["name"], cbor.decode(raw))
            tally.check(False, f"{item['name']} {raw[-40:].hex()}: accepted, not {item['diag']}")
        except (record.RecordError, cbor.CborError) as error:
            words = f"{item['name']} {raw[-40:].hex()}: {error}, not {item['diag']}"
            # We decode before we look at the shape: of two faults, that of the encoding is named.
            is_earlier = error.reason in ENCODING_FIRST and expected not in record.PROFILE_REASONS
            tally.check(error.reason == expected or is_earlier, words)


def check_unicode(path: Path, tally: Tally) -> None:
    data = load(path)
    ranges = data["assigned"]
    for first, last in zip(ranges[::2], ranges[1::2]) if isinstance(ranges[0], int) else ranges:
        for code in {first, last}:
            if not 0xD800 <= code <= 0xDFFF:
                tally.check(record._is_assigned(chr(code)), f"code point {code:x}")
    for text_hex, is_nfc, is_assigned in data["texts"]:
        text = bytes.fromhex(text_hex).decode()
        is_normal = record.unicodedata.is_normalized("NFC", text)
        is_text = record.qualifies_as_text(text)
        is_right = is_normal == is_nfc and is_text == (is_nfc and is_assigned)
        tally.check(is_right, f"text {text_hex}: {is_nfc} {is_assigned}")


def all_tallies(evidence: Path) -> Iterator[Tally]:
    for name, check, path in (
        ("cbor.json", check_cbor, VECTORS / "cbor.json"),
        ("cbor-unicode.json", check_unicode, VECTORS / "cbor-unicode.json"),
        ("notes.json", check_notes, evidence / "notes.json"),
        ("receipts.json", check_receipts, evidence / "receipts.json"),
        ("tiles.json", check_tiles, evidence / "tiles.json"),
        ("records.json and records-reject.json", check_records, VECTORS),
    ):
        tally = Tally(name)
        check(path, tally)
        yield tally
    tally = Tally("merkle.json")
    merkle = load(evidence / "merkle.json")
    beside = evidence / "merkle-consistency.json"  # the repository's copy is in two files
    if beside.exists():
        merkle |= load(beside)
    check_merkle(merkle, tally)
    yield tally


def main() -> int:
    evidence = Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS / "evidence"
    wrong = 0
    for tally in all_tallies(evidence):
        print(f"{tally.name}: {tally.count} checked, {len(tally.wrong)} wrong")
        for what in tally.wrong:
            print(f"  {what}")
        wrong += len(tally.wrong) + (tally.count == 0)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
