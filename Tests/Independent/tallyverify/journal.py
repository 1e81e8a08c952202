# SPDX-License-Identifier: Apache-2.0
"""Events of a journal: JSON texts, and what an event does to its entity (record.md)."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

Entity = dict[bytes, str]  # field to JSON text


class NotJSON(Exception):
    """A text that is no JSON, or is outside what this program compares."""


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise NotJSON(str(error)) from error


def same_value(left: str | None, right: str | None) -> bool:
    """Whether two texts are the same JSON value: numbers exactly, objects regardless of order."""
    if left is None or right is None:
        return left is right
    return left == right or _equal(_load(left), _load(right))


def _equal(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


def members(text: str) -> Entity | None:
    """The members of a compact JSON object, each value as written; none when it is no object."""
    value = _load(text)
    if not isinstance(value, dict):
        return None
    decoder = json.JSONDecoder()
    result: Entity = {}
    at = 1
    while text[at] != "}":
        at += text[at] == ","
        name, after = decoder.raw_decode(text, at)
        start = after + 1
        _, at = decoder.raw_decode(text, start)
        try:
            result[name.encode()] = text[start:at]
        except UnicodeEncodeError as error:
            raise NotJSON("a lone surrogate in a name") from error
    return result


def as_object(entity: Entity | None) -> str | None:
    """The JSON text of a whole entity."""
    if entity is None:
        return None
    pairs = (f"{json.dumps(name.decode())}:{text}" for name, text in entity.items())
    return "{" + ",".join(pairs) + "}"


def current(entity: Entity | None, field: bytes) -> str | None:
    """The value that an event's old value is compared with."""
    if field == b"*":
        return as_object(entity)
    return None if entity is None else entity.get(field)


def fold(entity: Entity | None, field: bytes, action: str, new: str | None) -> Entity | None:
    """The entity after an event; `new` of a whole entity must be an object or absent."""
    if action == "ingest":
        return entity
    if field == b"*":
        if action == "delete":
            return None
        return {} if new is None else members(new)
    if action == "delete":
        if entity is None:
            return None
        return {name: text for name, text in entity.items() if name != field}
    changed = {} if entity is None else dict(entity)
    if new is None:
        changed.pop(field, None)
    else:
        changed[field] = new
    return changed
