// SPDX-License-Identifier: Apache-2.0
//
// Thirty-two and sixteen byte values as machine words: digests, book ids, salts. Standard library
// only; used wherever a hash or an id is passed, so that none needs a heap allocation.

/// A SHA-256 digest: thirty-two bytes held as four big-endian words.
public struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The digest of thirty-two zero bytes' worth of words; never a real hash.
    public static let zero = Digest(0, 0, 0, 0)
    /// Bytes 0 to 7.
    public let word0: UInt64
    /// Bytes 8 to 15.
    public let word1: UInt64
    /// Bytes 16 to 23.
    public let word2: UInt64
    /// Bytes 24 to 31.
    public let word3: UInt64

    /// Makes a digest from its four big-endian words.
    @inlinable
    public init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }

    /// Makes a digest from exactly thirty-two bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words = [UInt64](repeating: 0, count: 4)
        for (position, byte) in bytes.enumerated() {
            words[position / 8] = words[position / 8] << 8 | UInt64(byte)
        }
        self.init(words[0], words[1], words[2], words[3])
    }

    /// The thirty-two bytes, first byte first.
    public var bytes: [UInt8] {
        [word0, word1, word2, word3].flatMap(bigEndianBytes)
    }

    /// Sixty-four lower-case hexadecimal digits.
    public var description: String { hexadecimal(bytes) }

    /// Orders by the bytes.
    @inlinable
    public static func < (left: Digest, right: Digest) -> Bool {
        (left.word0, left.word1, left.word2, left.word3)
            < (right.word0, right.word1, right.word2, right.word3)
    }
}

/// The id of a book: sixteen bytes, chosen by the leader, never reused.
public struct BookID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The id of the system book: sixteen zero bytes.
    public static let system = BookID(0, 0)
    /// Bytes 0 to 7.
    public let high: UInt64
    /// Bytes 8 to 15.
    public let low: UInt64

    /// Makes an id from its two big-endian words.
    @inlinable
    public init(_ high: UInt64, _ low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an id from exactly sixteen bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var words = [UInt64](repeating: 0, count: 2)
        for (position, byte) in bytes.enumerated() {
            words[position / 8] = words[position / 8] << 8 | UInt64(byte)
        }
        self.init(words[0], words[1])
    }

    /// The sixteen bytes, first byte first.
    public var bytes: [UInt8] { bigEndianBytes(high) + bigEndianBytes(low) }

    /// Thirty-two lower-case hexadecimal digits.
    public var description: String { hexadecimal(bytes) }

    /// Orders by the bytes.
    @inlinable
    public static func < (left: BookID, right: BookID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// The salt of a record: sixteen bytes that make its leaf hash hiding.
public struct Salt: Hashable, Sendable, CustomStringConvertible {
    /// Bytes 0 to 7.
    public let high: UInt64
    /// Bytes 8 to 15.
    public let low: UInt64

    /// Makes a salt from its two big-endian words.
    @inlinable
    public init(_ high: UInt64, _ low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a salt from exactly sixteen bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let id = BookID(bytes) else { return nil }
        self.init(id.high, id.low)
    }

    /// The sixteen bytes, first byte first.
    public var bytes: [UInt8] { bigEndianBytes(high) + bigEndianBytes(low) }

    /// Thirty-two lower-case hexadecimal digits.
    public var description: String { hexadecimal(bytes) }
}

/// The eight bytes of a word, most significant first.
public func bigEndianBytes(_ word: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
}

/// Two lower-case hexadecimal digits for each byte.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits: [Character] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
    ]
    var text = ""
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return text
}
