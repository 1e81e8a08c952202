# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of RFC 9162 (docs/formats/tree.md): hashes, roots, tiles and proofs."""

from __future__ import annotations

from hashlib import sha256

HASH_BYTES = 32
TILE_WIDTH = 256
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _pair_up(level: list[bytes]) -> list[bytes]:
    above = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def root(leaves: list[bytes]) -> bytes:
    """The root over leaf hashes. A last odd hash goes up as it is: the split at powers of two."""
    if not leaves:
        return EMPTY_ROOT
    level = leaves
    while len(level) > 1:
        level = _pair_up(level)
    return level[0]


def tile_levels(leaves: list[bytes]) -> list[list[bytes]]:
    """The hashes of each level of tiles: 0 the leaves, each next one the roots of full 256."""
    levels: list[list[bytes]] = []
    level = leaves
    while level:
        levels.append(level)
        whole = len(level) // TILE_WIDTH
        level = [root(level[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(whole)]
    return levels


class Roots:
    """Roots of prefixes of one list of leaves, from the tile levels, without hashing all again."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = tile_levels(leaves)
        self.size = len(leaves)

    def at(self, size: int) -> bytes:
        """The root of the first `size` leaves, `size` not above the number of leaves."""
        if size == 0:
            return EMPTY_ROOT
        parts: list[bytes] = []  # full subtrees, the largest first
        start = 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                parts.append(self._subtree(start, bit))
                start += 1 << bit
        result = parts.pop()
        while parts:
            result = node_hash(parts.pop(), result)
        return result

    def _subtree(self, start: int, bit: int) -> bytes:
        level, rest = divmod(bit, 8)
        first = start >> (8 * level)
        return root(self.levels[level][first : first + (1 << rest)])


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: list[bytes], expected: bytes
) -> bool:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    number, last, result = index, size - 1, leaf
    for hash_ in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            result = node_hash(hash_, result)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            result = node_hash(result, hash_)
        number >>= 1
        last >>= 1
    return last == 0 and result == expected


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: list[bytes]
) -> bool:
    """RFC 9162 section 2.1.4.2; from size 0 the path is empty and the old root the empty one."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        new_is_right = new_size > 0 or new_root == EMPTY_ROOT
        return not path and old_root == EMPTY_ROOT and new_is_right
    if old_size == new_size:
        return not path and old_root == new_root
    if not path:
        return False
    proof = path if old_size & (old_size - 1) else [old_root, *path]
    number, last = old_size - 1, new_size - 1
    while number & 1:
        number >>= 1
        last >>= 1
    old, new = proof[0], proof[0]
    for hash_ in proof[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            new = node_hash(new, hash_)
        number >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root
