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
        guard AccountAddress.isLegal(text.utf8) else { return nil }
        self.text = text
    }

    private init(unchecked text: String) {
        self.text = text
    }

    /// True for the account that may always give.
    public var isWorld: Bool { text == "world" }

    /// True when the bytes are an address: no empty segment, no other byte, not too long.
    public static func isLegal(_ bytes: some Collection<UInt8>) -> Bool {
        guard bytes.count <= bytesMax else { return false }
        var inSegment = false
        for byte in bytes {
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
        guard Asset.isLegal(text.utf8) else { return nil }
        self.text = text
    }

    /// True when the bytes match `[A-Z][A-Z0-9]{0,16}(_[A-Z]{1,16})?(/[0-9]{1,6})?`.
    public static func isLegal(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        guard let first = rest.popFirst(), isUpper(first) else { return false }
        guard take(&rest, atMost: 16, while: { isUpper($0) || isDigit($0) }) >= 0 else {
            return false
        }
        if rest.first == UInt8(ascii: "_") {
            rest.removeFirst()
            guard take(&rest, atMost: 16, while: isUpper) >= 1 else { return false }
        }
        if rest.first == UInt8(ascii: "/") {
            rest.removeFirst()
            guard take(&rest, atMost: 6, while: isDigit) >= 1 else { return false }
        }
        return rest.isEmpty
    }

    private static func take(
        _ rest: inout ArraySlice<UInt8>,
        atMost limit: Int,
        while holds: (UInt8) -> Bool
    ) -> Int {
        var taken = 0
        while taken < limit, let byte = rest.first, holds(byte) {
            rest.removeFirst()
            taken += 1
        }
        return taken
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

private func isWordByte(_ byte: UInt8) -> Bool {
    isUpper(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
}
