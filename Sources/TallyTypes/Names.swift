// SPDX-License-Identifier: Apache-2.0
//
// Validated names: books, accounts, assets. Standard library only. A value of these types has
// passed its rule, so nobody checks twice; the rules are those of the v2 API (specs/accounts.md
// §5.2), with a bound on the length of addresses that the record's size limit asks for.

/// The name of a book: 1 to 63 of letters, digits, `_`, `-`.
public struct BookName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest name in bytes.
    public static let bytesMax = 63
    /// The name itself.
    public let text: String

    /// Checks and takes a name; nil when it breaks the rule.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= BookName.bytesMax, bytes.allSatisfy(isWordByte) else {
            return nil
        }
        self.text = text
    }

    /// The name itself.
    public var description: String { text }

    /// Orders by the bytes.
    public static func < (left: BookName, right: BookName) -> Bool { left.text < right.text }
}

/// The address of an account: segments of letters, digits, `_`, `-`, joined by `:`.
public struct AccountAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest address in bytes; v2 has no limit, a record has.
    public static let bytesMax = 1024
    /// The account that may always give.
    public static let world = AccountAddress(unchecked: "world")
    /// The address itself.
    public let text: String

    /// Checks and takes an address; nil when it breaks the rule.
    public init?(_ text: String) {
        guard AccountAddress.isLegal(text.utf8.span) else { return nil }
        self.text = text
    }

    private init(unchecked text: String) {
        self.text = text
    }

    /// True for the account that may always give.
    public var isWorld: Bool { text == "world" }

    /// True when the bytes are an address: no empty segment, no other byte, not too long.
    public static func isLegal(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count <= bytesMax else { return false }
        var inSegment = false
        for position in bytes.indices {
            let byte = bytes[position]
            if byte == UInt8(ascii: ":") {
                guard inSegment else { return false }
                inSegment = false
            } else {
                guard isWordByte(byte) else { return false }
                inSegment = true
            }
        }
        return inSegment
    }

    /// The address itself.
    public var description: String { text }

    /// Orders by the bytes.
    public static func < (left: AccountAddress, right: AccountAddress) -> Bool {
        left.text < right.text
    }
}

/// An asset: `USD/2`, `EUR_COL/12`, `GOLD`.
public struct Asset: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest asset in bytes: 17 + 1 + 16 + 1 + 6.
    public static let bytesMax = 41
    /// The asset itself.
    public let text: String

    /// Checks and takes an asset; nil when it breaks the rule.
    public init?(_ text: String) {
        guard Asset.isLegal(text.utf8.span) else { return nil }
        self.text = text
    }

    /// True when the bytes match `[A-Z][A-Z0-9]{0,16}(_[A-Z]{1,16})?(/[0-9]{1,6})?`.
    public static func isLegal(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > 0, isUpper(bytes[0]) else { return false }
        var at = 1
        _ = take(bytes, &at, atMost: 16) { isUpper($0) || isDigit($0) }
        if at < bytes.count, bytes[at] == UInt8(ascii: "_") {
            at += 1
            guard take(bytes, &at, atMost: 16, while: isUpper) >= 1 else { return false }
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: "/") {
            at += 1
            guard take(bytes, &at, atMost: 6, while: isDigit) >= 1 else { return false }
        }
        return at == bytes.count
    }

    private static func take(
        _ bytes: Span<UInt8>,
        _ at: inout Int,
        atMost limit: Int,
        while holds: (UInt8) -> Bool
    ) -> Int {
        let start = at
        while at - start < limit, at < bytes.count, holds(bytes[at]) { at += 1 }
        return at - start
    }

    /// The asset itself.
    public var description: String { text }

    /// Orders by the bytes.
    public static func < (left: Asset, right: Asset) -> Bool { left.text < right.text }
}

private func isUpper(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
}

private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

/// The letters, digits, `_` and `-` among the first 64 bytes, and among the next 64, one bit each.
private let wordBytes: (UInt64, UInt64) = (0x03ff_2000_0000_0000, 0x07ff_fffe_87ff_fffe)

@inline(__always)
private func isWordByte(_ byte: UInt8) -> Bool {
    guard byte < 128 else { return false }
    let bits = byte < 64 ? wordBytes.0 : wordBytes.1
    return bits >> UInt64(byte & 63) & 1 == 1
}
