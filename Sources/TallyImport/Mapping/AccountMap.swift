// SPDX-License-Identifier: Apache-2.0
//
// From a journal's account names to the ledger's addresses, legibly and without surprises: two
// names never share an address, and no name becomes `world`. Standard library only; filled by the
// scan, frozen into the plan.

/// How one account became an address.
package struct AccountMapping: Hashable, Sendable {
    /// The name in the journal.
    package let name: String
    /// The ledger's address.
    package let address: String
    /// The original name and what the journal states about the account, by key.
    package let metadata: [MetadataPair]
    /// Where the account was first seen.
    package let position: SourcePosition
}

/// The user's word on one account: `NAME=ADDRESS`.
package struct AccountOverride: Hashable, Sendable {
    /// The name in the journal.
    package let name: String
    /// The address.
    package let address: String

    /// Makes an override.
    package init(name: String, address: String) {
        self.name = name
        self.address = address
    }

    /// Reads the command line's form.
    ///
    /// - Throws: `illegalOverride` naming the text.
    package init(parsing text: String) throws(ImportError) {
        guard let equals = text.lastIndex(of: "="), equals != text.startIndex else {
            throw ImportError(
                .illegalOverride,
                at: nil,
                "expected NAME=ADDRESS, found '\(text)'"
            )
        }
        let address = String(text[text.index(after: equals)...])
        guard AddressText.isLegal(address) else {
            throw ImportError(
                .illegalOverride,
                at: nil,
                "expected an address behind '=', found '\(text)'"
            )
        }
        self.init(name: String(text[..<equals]), address: address)
    }
}

/// Collects accounts and gives each its address.
struct AccountTally: Sendable {
    private struct Row: Sendable {
        /// The name as first written; names equal but for their bytes must not meet.
        let name: String
        let address: String
        let position: SourcePosition
        var details = TransactionDetails()
    }

    private let overrides: [String: String]
    /// Addresses that belong to the importer, with what for.
    private let reserved: [String: String]
    private var rows: [String: Row] = [:]
    private var owners: [String: String] = [:]

    init(overrides: [AccountOverride], reserved: [String: String]) throws(ImportError) {
        var byName: [String: String] = [:]
        for override in overrides {
            guard byName.updateValue(override.address, forKey: override.name) == nil else {
                throw ImportError(
                    .illegalOverride,
                    at: nil,
                    "expected one address for the account '\(override.name)', found two"
                )
            }
        }
        self.overrides = byName
        self.reserved = reserved
    }

    /// Notes an account.
    ///
    /// - Throws: `malformedAccount`, `accountTooLong`, `accountCollision`, `reservedAccount`.
    mutating func observe(_ name: String, at position: SourcePosition) throws(ImportError) {
        if let row = rows[name] {
            guard row.name.utf8.elementsEqual(name.utf8) else {
                throw collision(name, with: name, becoming: row.address, at: position)
            }
            return
        }
        let address: String
        if let override = overrides[name] {
            address = override
        } else {
            address = try AddressText.address(of: name, at: position)
        }
        if let use = reserved[address] {
            throw ImportError(
                .reservedAccount,
                at: position,
                "the account '\(name)' would become '\(address)', which is \(use);"
                    + " name another with --account"
            )
        }
        if let other = owners.updateValue(name, forKey: address) {
            throw collision(name, with: other, becoming: address, at: position)
        }
        rows[name] = Row(name: name, address: address, position: position)
    }

    private func collision(
        _ name: String,
        with other: String,
        becoming address: String,
        at position: SourcePosition
    ) -> ImportError {
        let first = rows[other].map { " (\($0.position))" }
        return ImportError(
            .accountCollision,
            at: position,
            "the accounts '\(other)'\(first ?? "") and '\(name)' would both become '\(address)'"
        )
    }

    /// Adds what a directive states about an account.
    mutating func describe(_ declaration: AccountDeclaration) throws(ImportError) {
        try observe(declaration.account, at: declaration.position)
        for detail in declaration.details {
            rows[declaration.account]?.details.add(detail.key, detail.text)
        }
    }

    /// The mapping of every account seen, in the order of their addresses.
    var mappings: [AccountMapping] {
        owners.keys.sorted().compactMap { address in
            guard let name = owners[address], let row = rows[name] else { return nil }
            var details = row.details
            details.add("name", name)
            return AccountMapping(
                name: name,
                address: address,
                metadata: details.pairs.map { $0.prefixed() },
                position: row.position
            )
        }
    }
}

extension MetadataPair {
    /// The same pair with its key below the importer's prefix.
    func prefixed() -> MetadataPair {
        MetadataPair(key: "import/" + key, value: value)
    }
}
