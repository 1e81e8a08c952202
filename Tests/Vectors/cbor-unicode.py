# SPDX-License-Identifier: Apache-2.0
#
# Writes cbor-unicode.json: which code points are assigned in Unicode 14.0, which are not in
# normalization form C on their own, and texts with the answer of Python's own tables. Needs a Python
# whose unicodedata is version 14.0.0 (3.11).
#
#   python3 Tests/Vectors/cbor-unicode.py > Tests/Vectors/cbor-unicode.json
import json
import random
import sys
import unicodedata

assert unicodedata.unidata_version == "14.0.0", unicodedata.unidata_version


def noncharacter(value):
    return 0xFDD0 <= value <= 0xFDEF or value & 0xFFFE == 0xFFFE


def assigned(value):
    return unicodedata.category(chr(value)) != "Cn" or noncharacter(value)


def ranges(holds):
    found = []
    for value in range(0x110000):
        if 0xD800 <= value <= 0xDFFF or not holds(value):
            continue
        if found and found[-1][1] == value - 1:
            found[-1][1] = value
        else:
            found.append([value, value])
    return found


def texts():
    rng = random.Random(14)
    marks = [v for v in range(0x110000) if unicodedata.combining(chr(v))]
    composed = [v for v in range(0x110000) if unicodedata.normalize("NFD", chr(v)) != chr(v)
                and not 0xAC00 <= v <= 0xD7A3]
    jamo = list(range(0x1100, 0x1113)) + list(range(0x1161, 0x1176)) + list(range(0x11A7, 0x11C3))
    composing = sorted({ord(c) for v in composed for c in unicodedata.normalize("NFD", chr(v))})
    lacking = [0x378, 0xD7FF, 0x1FAE8, 0x10EFD, 0x1E4EC, 0x11F41, 0x105C9, 0x16D67]
    pools = [marks, marks, composed, jamo, composing, [0xAC00, 0xAC01, 0xAC1C, 0xD7A3], list(range(0x20, 0x250))]
    seen = set()
    while len(seen) < 1500:
        text = "".join(chr(rng.choice(rng.choice(pools))) for _ in range(rng.randint(1, 6)))
        if rng.random() < 0.25:
            place = rng.randint(0, len(text))
            text = text[:place] + chr(rng.choice(lacking)) + text[place:]
        if rng.random() < 0.3:
            text = unicodedata.normalize("NFC", text)
        seen.add(text)
    for _ in range(3):
        seen.add("a" + "".join(chr(rng.choice(marks)) for _ in range(200)))
        seen.add(unicodedata.normalize("NFC", "a" + "".join(chr(rng.choice(marks)) for _ in range(200))))
    return [[t.encode().hex(), unicodedata.normalize("NFC", t) == t, all(assigned(ord(c)) for c in t)]
            for t in sorted(seen)]


vectors = {
    "format": 1,
    "unicode": unicodedata.unidata_version,
    "assigned": ranges(assigned),
    "not_nfc_alone": ranges(lambda v: unicodedata.normalize("NFC", chr(v)) != chr(v)),
    "texts": texts(),
}
lines = ["{"]
for key, value in vectors.items():
    comma = "," if key != "texts" else ""
    if key == "texts":
        lines.append(f'"{key}": [')
        lines.append(",\n".join(json.dumps(v) for v in value))
        lines.append("]")
    else:
        lines.append(f'"{key}": {json.dumps(value)}{comma}')
lines.append("}")
sys.stdout.write("\n".join(lines) + "\n")
