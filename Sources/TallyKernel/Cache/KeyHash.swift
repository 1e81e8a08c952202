// SPDX-License-Identifier: Apache-2.0
//
// The identity of a state key inside the kernel: a 128-bit id and a 64-bit tag, both SipHash-2-4 of
// the key's canonical bytes under secrets of the ledger. Pure. Called by admission and apply for
// every covered key; nothing outside the kernel ever sees an id.
//
// The secrets are chosen when the ledger is created, travel in entry 1 and in the flush marker, and
// never stand in a record: a client that knew them could make two keys with one id.

package import TallyTypes

/// The 32 secret bytes under which keys are hashed.
package struct KeySecrets: Hashable, Sendable {
    /// The number of bytes.
    package static let byteCount = 32
    /// The key of the 128-bit id.
    package let id: (UInt64, UInt64)
    /// The key of the 64-bit tag.
    package let tag: (UInt64, UInt64)

    /// Takes exactly thirty-two bytes; nil for any other number.
    package init?(_ bytes: some Collection<UInt8>) {
        guard let digest = Digest(bytes) else { return nil }
        self.init(digest)
    }

    /// Takes the thirty-two bytes of a digest-sized value.
    package init(_ words: Digest) {
        id = (words.word0, words.word1)
        tag = (words.word2, words.word3)
    }

    /// The thirty-two bytes.
    package var words: Digest { Digest(id.0, id.1, tag.0, tag.1) }

    /// Equal when all bytes are.
    package static func == (left: KeySecrets, right: KeySecrets) -> Bool {
        left.words == right.words
    }

    /// Hashes all bytes.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words)
    }
}

/// Id and tag of one key.
package struct KeyHash: Hashable, Sendable {
    /// The low half of the id; also the start of the probe.
    package let low: UInt64
    /// The high half of the id.
    package let high: UInt64
    /// Tells two keys of one id apart: a different tag under one id is refused, never confused.
    package let tag: UInt64

    /// Makes a hash from its words.
    package init(low: UInt64, high: UInt64, tag: UInt64) {
        self.low = low
        self.high = high
        self.tag = tag
    }

    /// Hashes the canonical bytes of a key.
    package init(of key: UnsafeRawBufferPointer, under secrets: KeySecrets) {
        self = unsafe KeyHashPrefix(under: secrets).hash(of: key)
    }

    /// Hashes the canonical bytes of a key.
    package init(of key: [UInt8], under secrets: KeySecrets) {
        self = unsafe key.withUnsafeBytes { unsafe KeyHash(of: $0, under: secrets) }
    }
}

/// The hashing of keys that begin with the same bytes, as far as they do.
struct KeyHashPrefix {
    private var first: SipState
    private var second: SipState
    private var absorbed = 0

    /// No byte yet.
    init(under secrets: KeySecrets) {
        first = SipState(secrets.id.0, secrets.id.1, isWide: true)
        second = SipState(secrets.tag.0, secrets.tag.1, isWide: false)
    }

    /// The whole words of the bytes that all keys begin with.
    init(of prefix: [UInt8], under secrets: KeySecrets) {
        self.init(under: secrets)
        unsafe prefix.withUnsafeBytes { unsafe absorb($0) }
    }

    /// Hashes a whole key, which begins with the prefix.
    @inline(__always)
    func hash(of key: UnsafeRawBufferPointer) -> KeyHash {
        var state = self
        unsafe state.absorb(key)
        var last = UInt64(truncatingIfNeeded: key.count) << 56
        var shift: UInt64 = 0
        for offset in state.absorbed..<key.count {
            last |= UInt64(unsafe key[offset]) << shift
            shift += 8
        }
        state.first.absorb(last)
        state.second.absorb(last)
        let (low, high) = state.first.finishWide()
        return KeyHash(low: low, high: high, tag: state.second.finish())
    }

    @inline(__always)
    private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
        while absorbed + 8 <= bytes.count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: absorbed, as: UInt64.self)
            first.absorb(UInt64(littleEndian: word))
            second.absorb(UInt64(littleEndian: word))
            absorbed += 8
        }
    }
}

/// SipHash-2-4 over little-endian words; Aumasson and Bernstein, 2012, with the 128-bit variant.
struct SipState {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    @inline(__always)
    init(_ key0: UInt64, _ key1: UInt64, isWide: Bool) {
        v0 = key0 ^ 0x736f_6d65_7073_6575
        v1 = key1 ^ 0x646f_7261_6e64_6f6d ^ (isWide ? 0xee : 0)
        v2 = key0 ^ 0x6c79_6765_6e65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inline(__always)
    mutating func finish() -> UInt64 {
        v2 ^= 0xff
        fourRounds()
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    mutating func finishWide() -> (UInt64, UInt64) {
        v2 ^= 0xee
        fourRounds()
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        fourRounds()
        return (low, v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always)
    private mutating func fourRounds() {
        round()
        round()
        round()
        round()
    }

    @inline(__always)
    private mutating func round() {
        v0 = v0 &+ v1
        v1 = rotate(v1, 13) ^ v0
        v0 = rotate(v0, 32)
        v2 = v2 &+ v3
        v3 = rotate(v3, 16) ^ v2
        v0 = v0 &+ v3
        v3 = rotate(v3, 21) ^ v0
        v2 = v2 &+ v1
        v1 = rotate(v1, 17) ^ v2
        v2 = rotate(v2, 32)
    }

    @inline(__always)
    private func rotate(_ word: UInt64, _ by: UInt64) -> UInt64 {
        word << by | word >> (64 - by)
    }
}
