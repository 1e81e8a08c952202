# SPDX-License-Identifier: Apache-2.0
"""Strict base64, JSON and numbers, and files of bounded size."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

INT63_MAX = (1 << 63) - 1


class StrictError(Exception):
    """Text that is not in its one allowed form."""


def base64_bytes(text: str) -> bytes:
    """RFC 4648 section 4, padded, canonical: the text is what encoding the bytes gives again."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, UnicodeEncodeError) as error:
        raise StrictError("not base64") from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise StrictError("not canonical base64")
    return raw


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise StrictError(f"member '{name[:40]}' stands twice")
        members[name] = value
    return members


def _no_constant(name: str) -> Any:
    raise StrictError(f"{name} is not JSON")


def json_value(data: bytes) -> Any:
    """One JSON document; refuses doubled members, NaN, lone surrogates, a byte order mark."""
    try:
        text = data.decode("utf-8", "strict")
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8", "strict")
    except (ValueError, RecursionError) as error:
        raise StrictError(f"not JSON: {error}") from error
    return value


def decimal(text: str) -> int:
    """A number from 0 to 2^63 - 1 in ASCII digits without leading zeros."""
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise StrictError("not a decimal number")
    if len(text) > 1 and text[0] == "0":
        raise StrictError("leading zero")
    number = int(text)
    if number > INT63_MAX:
        raise StrictError("above 2^63 - 1")
    return number


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular file that has at most `limit` of them."""
    if not path.is_file():
        raise StrictError("not a file")
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise StrictError(f"more than {limit} bytes")
    return data
