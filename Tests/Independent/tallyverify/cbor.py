# SPDX-License-Identifier: Apache-2.0
"""The profile T1 of CBOR (docs/formats/record.md, "The encoding"): strict decoding, and encoding.

Values are int, bytes, str, bool, None, list and `Map`. Every refusal is a `CborError` with one of
the documented reasons and the byte offset.
"""

from __future__ import annotations

import unicodedata
from typing import NoReturn, Union

MAX_DEPTH = 16
MAX_BYTES = 65_535
MAX_BIGNUM_BYTES = 32


class CborError(Exception):
    """Bytes that are no item of the profile."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at byte {offset}")
        self.reason = reason
        self.offset = offset


class Map:
    """A map as its pairs, in the order of the encoded keys. Keys are int or str."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[Union[int, str], "Value"]]) -> None:
        self.pairs = pairs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and self.pairs == other.pairs

    def __repr__(self) -> str:
        return f"Map({self.pairs!r})"


Value = Union[int, bytes, str, bool, None, list["Value"], Map]


def decode(data: bytes, limit: int = MAX_BYTES) -> Value:
    """The one item that `data` holds, which may have up to `limit` bytes."""
    if len(data) > limit:
        raise CborError("too-long", limit)
    decoder = _Decoder(data)
    value = decoder.item(0)
    if decoder.at != len(data):
        raise CborError("trailing-bytes", decoder.at)
    return value


class _Decoder:
    __slots__ = ("data", "at")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def fail(self, reason: str, offset: int) -> NoReturn:
        raise CborError(reason, offset)

    def head(self) -> tuple[int, int, int]:
        """Major type, argument and offset of the next item."""
        data, start = self.data, self.at
        if start >= len(data):
            self.fail("truncated", start)
        first = data[start]
        major, low = first >> 5, first & 31
        self.at = start + 1
        if low < 24:
            return major, low, start
        if low >= 28:
            self.special(major, low, start)
        if major == 7 and low > 24:
            self.fail("float", start)
        width = 1 << (low - 24)
        end = start + 1 + width
        if end > len(data):
            self.fail("truncated", start)
        argument = int.from_bytes(data[start + 1 : end], "big")
        self.at = end
        if major == 7:
            self.fail("simple-value", start)
        least = 24 if width == 1 else 1 << (4 * width)
        if argument < least:
            self.fail("non-shortest", start)
        return major, argument, start

    def special(self, major: int, low: int, start: int) -> NoReturn:
        """What the additional information 28 to 31 stands for; none of it is in the profile."""
        if low < 31:
            self.fail("reserved-info", start)
        if major == 7:
            self.fail("unexpected-break", start)
        if major in (2, 3, 4, 5):
            self.fail("indefinite-length", start)
        self.fail("reserved-info", start)

    def item(self, depth: int) -> Value:
        major, argument, start = self.head()
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument, start)
        if major == 3:
            return self.text(argument, start)
        if major == 4:
            return self.array(argument, start, depth)
        if major == 5:
            return self.map(argument, start, depth)
        if major == 6:
            return self.bignum(argument, start)
        if argument == 20:
            return False
        if argument == 21:
            return True
        if argument == 22:
            return None
        self.fail("simple-value", start)

    def take(self, count: int, start: int) -> bytes:
        if count > len(self.data) - self.at:
            self.fail("truncated", start)
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def text(self, count: int, start: int) -> str:
        raw = self.take(count, start)
        try:
            text = raw.decode("utf-8", "strict")
        except UnicodeDecodeError:
            self.fail("utf8", start)
        if not text.isascii() and not unicodedata.is_normalized("NFC", text):
            self.fail("not-nfc", start)
        return text

    def array(self, count: int, start: int, depth: int) -> list[Value]:
        if depth >= MAX_DEPTH:
            self.fail("depth", start)
        if count > len(self.data) - self.at:
            self.fail("truncated", start)
        return [self.item(depth + 1) for _ in range(count)]

    def map(self, count: int, start: int, depth: int) -> Map:
        if depth >= MAX_DEPTH:
            self.fail("depth", start)
        if 2 * count > len(self.data) - self.at:
            self.fail("truncated", start)
        pairs: list[tuple[Union[int, str], Value]] = []
        previous: bytes | None = None
        for _ in range(count):
            key_start = self.at
            key = self.key(key_start)
            encoded = self.data[key_start : self.at]
            if previous is not None:
                if encoded == previous:
                    self.fail("duplicate-key", key_start)
                if encoded < previous:
                    self.fail("key-order", key_start)
            previous = encoded
            pairs.append((key, self.item(depth + 1)))
        return Map(pairs)

    def key(self, start: int) -> Union[int, str]:
        if start < len(self.data):
            if self.data[start] >> 5 not in (0, 3):
                self.fail("key-type", start)
        major, argument, _ = self.head()
        return argument if major == 0 else self.text(argument, start)

    def bignum(self, tag: int, start: int) -> int:
        if tag not in (2, 3):
            self.fail("tag", start)
        content = self.at
        if content >= len(self.data):
            self.fail("truncated", content)
        major, count, _ = self.head()
        if major != 2:
            self.fail("bignum", content)
        raw = self.take(count, content)
        if not 9 <= count <= MAX_BIGNUM_BYTES or raw[0] == 0:
            self.fail("bignum", content)
        number = int.from_bytes(raw, "big")
        return number if tag == 2 else -1 - number


def _head(major: int, argument: int) -> bytes:
    top = major << 5
    if argument < 24:
        return bytes((top | argument,))
    if argument < 1 << 8:
        return bytes((top | 24, argument))
    if argument < 1 << 16:
        return bytes((top | 25,)) + argument.to_bytes(2, "big")
    if argument < 1 << 32:
        return bytes((top | 26,)) + argument.to_bytes(4, "big")
    return bytes((top | 27,)) + argument.to_bytes(8, "big")


def _integer(value: int) -> bytes:
    major, argument = (0, value) if value >= 0 else (1, -1 - value)
    if argument < 1 << 64:
        return _head(major, argument)
    raw = argument.to_bytes((argument.bit_length() + 7) // 8, "big")
    return bytes((0xC2 + major,)) + _head(2, len(raw)) + raw


def encode(value: Value) -> bytes:
    """The one encoding of a value in the profile."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        raw = value.encode("utf-8")
        return _head(3, len(raw)) + raw
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(encode, value))
    pairs = sorted((encode(key), encode(item)) for key, item in value.pairs)
    return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
