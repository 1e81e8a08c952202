// SPDX-License-Identifier: Apache-2.0
//
// From a journal's commodities to the ledger's assets: names, scales, overrides, collisions.
// Standard library only; filled by the scan, frozen into the plan. A scale only grows until it
// holds every amount; an amount finer than a fixed scale is refused with its line, never rounded.

/// How one commodity became an asset.
package struct CommodityMapping: Hashable, Sendable {
    /// The symbol in the journal; empty for bare numbers.
    package let commodity: String
    /// The asset with its scale, as the ledger's API writes it.
    package let asset: String
    /// Digits after the point that the asset holds.
    package let scale: Int
    /// Where the commodity was first seen.
    package let position: SourcePosition
}

/// The user's word on one commodity: `NAME=ASSET` or `NAME=ASSET/SCALE`.
package struct CommodityOverride: Hashable, Sendable {
    /// The symbol in the journal.
    package let commodity: String
    /// The asset's name without a scale.
    package let name: String
    /// The fixed scale, or nil to take what the amounts need.
    package let scale: Int?

    /// Makes an override.
    package init(commodity: String, name: String, scale: Int?) {
        self.commodity = commodity
        self.name = name
        self.scale = scale
    }

    /// Reads the command line's form; the last `=` separates, because symbols may contain one.
    ///
    /// - Throws: `illegalOverride` naming the text.
    package init(parsing text: String) throws(ImportError) {
        guard let equals = text.lastIndex(of: "=") else {
            throw ImportError(
                .illegalOverride,
                at: nil,
                "expected NAME=ASSET or NAME=ASSET/SCALE, found '\(text)'"
            )
        }
        let parts = text[text.index(after: equals)...].split(
            separator: "/",
            omittingEmptySubsequences: false
        )
        let name = String(parts[0])
        let scale = parts.count == 2 ? CommodityOverride.scale(parts[1]) : nil
        guard parts.count <= 2, AssetName.isLegal(name), parts.count == 1 || scale != nil else {
            throw ImportError(
                .illegalOverride,
                at: nil,
                "expected an asset such as USD/2 behind '=', found '\(text)'"
            )
        }
        self.init(commodity: String(text[..<equals]), name: name, scale: scale)
    }

    private static func scale(_ digits: Substring) -> Int? {
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy(Byte.isDigit) else {
            return nil
        }
        return Int(digits)
    }
}

/// Names that assets may have, and names derived from symbols.
enum AssetName {
    /// The longest part before an underscore.
    static let lengthMax = 17
    /// The asset of bare numbers.
    static let bare = "NOCOMMODITY"

    /// Symbols that everybody reads the same way.
    static let symbols = ["$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"]

    /// Currencies whose minor unit is so usual that their scale starts there.
    static func minimumScale(of name: String) -> Int {
        switch name {
        case "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "INR",
            "MXN", "MYR", "NOK", "NZD", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "TWD", "USD",
            "ZAR":
            2
        default: 0
        }
    }

    /// True for `^[A-Z][A-Z0-9]{0,16}(_[A-Z]{1,16})?$`.
    static func isLegal(_ name: String) -> Bool {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard let first = parts.first?.utf8, parts.count <= 2 else { return false }
        guard (1...lengthMax).contains(first.count), first.first.map(Byte.isUpper) == true,
            first.allSatisfy({ Byte.isUpper($0) || Byte.isDigit($0) })
        else { return false }
        guard parts.count == 2 else { return true }
        return (1...16).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy(Byte.isUpper)
    }

    /// Returns the asset's name for a symbol: known ones, else its letters and digits in upper
    /// case.
    static func derived(from symbol: String) -> String {
        if symbol.isEmpty { return bare }
        if let known = symbols[symbol] { return known }
        var name = ""
        for scalar in symbol.unicodeScalars {
            if scalar.isASCII {
                let byte = UInt8(truncatingIfNeeded: scalar.value)
                if Byte.isWord(byte) { name += String(scalar).uppercased() }
            } else {
                name += "U" + String(scalar.value, radix: 16).uppercased()
            }
        }
        if name.utf8.first.map(Byte.isUpper) != true { name = "X" + name }
        guard name.utf8.count > lengthMax else { return name }
        return String(name.prefix(10)) + StableHash.suffix(of: symbol, length: 7)
    }
}

/// Collects what the amounts of each commodity need.
struct CommodityTally: Sendable {
    private struct Row: Sendable {
        var scale: Int
        var largest: ExactDecimal
        var largestPosition: SourcePosition
        let position: SourcePosition
    }

    private let overrides: [String: CommodityOverride]
    private let scaleMax: Int
    private var rows: [String: Row] = [:]

    init(overrides: [CommodityOverride], scaleMax: Int) throws(ImportError) {
        var byName: [String: CommodityOverride] = [:]
        for override in overrides {
            guard byName.updateValue(override, forKey: override.commodity) == nil else {
                throw ImportError(
                    .illegalOverride,
                    at: nil,
                    "expected one asset for the commodity '\(override.commodity)', found two"
                )
            }
        }
        self.overrides = byName
        self.scaleMax = scaleMax
    }

    /// Notes an amount.
    ///
    /// - Throws: `scaleTooFine` where it has more decimals than its asset may have.
    mutating func observe(
        _ quantity: ExactDecimal,
        places: Int,
        of commodity: String,
        at position: SourcePosition
    ) throws(ImportError) {
        let limit = overrides[commodity]?.scale ?? scaleMax
        guard quantity.scale <= limit else {
            throw ImportError(
                .scaleTooFine,
                at: position,
                "expected at most \(limit) decimals of '\(commodity)',"
                    + " found \(quantity.scale) in \(quantity)"
            )
        }
        let scale = max(quantity.scale, min(places, limit))
        guard var row = rows[commodity] else {
            rows[commodity] = Row(
                scale: scale,
                largest: quantity.absolute,
                largestPosition: position,
                position: position
            )
            return
        }
        row.scale = max(row.scale, scale)
        let isLarger = try calculating("the amount", at: position) {
            () throws(ArithmeticFailure) in try quantity.absolute.compared(to: row.largest) > 0
        }
        if isLarger {
            row.largest = quantity.absolute
            row.largestPosition = position
        }
        rows[commodity] = row
    }

    /// Returns the mapping of every commodity seen, in the order of their symbols.
    ///
    /// - Throws: `assetCollision`, `amountTooLarge`, `illegalOverride`.
    func mappings() throws(ImportError) -> [CommodityMapping] {
        var owners: [String: CommodityMapping] = [:]
        var mappings: [CommodityMapping] = []
        for commodity in rows.keys.sorted() {
            guard let row = rows[commodity] else { continue }
            let mapping = try mapping(of: commodity, row)
            let name = String(mapping.asset.prefix { $0 != "/" })
            if let other = owners.updateValue(mapping, forKey: name) {
                throw ImportError(
                    .assetCollision,
                    at: mapping.position,
                    "expected an asset of its own for '\(commodity)', but '\(other.commodity)'"
                        + " (\(other.position)) is \(name) too; name one with --commodity"
                )
            }
            mappings.append(mapping)
        }
        return mappings
    }

    private func mapping(of commodity: String, _ row: Row) throws(ImportError) -> CommodityMapping {
        let override = overrides[commodity]
        let name = override?.name ?? AssetName.derived(from: commodity)
        guard AssetName.isLegal(name) else {
            throw ImportError(.illegalOverride, at: nil, "expected a legal asset, found '\(name)'")
        }
        let minimum = override == nil ? AssetName.minimumScale(of: name) : 0
        let scale = override?.scale ?? max(row.scale, minimum)
        let fits = try calculating("the amount", at: row.largestPosition) {
            () throws(ArithmeticFailure) in try row.largest.amount(scale: scale) != nil
        }
        guard fits else {
            throw ImportError(
                .amountTooLarge,
                at: row.largestPosition,
                "expected an amount below 2^256 at \(scale) decimals, found \(row.largest)"
            )
        }
        return CommodityMapping(
            commodity: commodity,
            asset: scale == 0 ? name : "\(name)/\(scale)",
            scale: scale,
            position: row.position
        )
    }
}
