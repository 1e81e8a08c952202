// SPDX-License-Identifier: Apache-2.0
//
// How a written account name becomes a full one: the parents that `apply account` puts in front,
// and aliases, each by its dialect's rules. Standard library only; owned by LedgerParser.

/// What opens a block that an `end` closes.
enum AppliedBlock: Hashable, Sendable {
    case account(String)
    case tag(Annotation)
    case year(previous: Int?)
}

/// An alias as declared.
struct AccountAlias: Hashable, Sendable {
    let name: String
    let target: String
}

/// The naming state of one file and of those it includes.
struct AccountNames: Sendable {
    let dialect: Dialect
    /// Open blocks, innermost last.
    var blocks: [AppliedBlock] = []
    /// In the order of declaration.
    private(set) var aliases: [AccountAlias] = []
    /// Ledger replaces a whole name or a first segment, so it looks up.
    private var aliasTargets: [String: String] = [:]

    init(dialect: Dialect) {
        self.dialect = dialect
    }

    /// The parents in force, joined, or empty.
    var prefix: String {
        var parts: [String] = []
        for case .account(let name) in blocks { parts.append(name) }
        return parts.joined(separator: ":")
    }

    /// The tags in force.
    var tags: [Annotation] {
        var tags: [Annotation] = []
        for case .tag(let annotation) in blocks { tags.append(annotation) }
        return tags
    }

    /// Declares an alias; in Ledger its target stands below the parents in force.
    mutating func declare(alias name: String, target: String) {
        let full = dialect == .ledger ? prefixed(target) : target
        aliases.append(AccountAlias(name: name, target: full))
        aliasTargets[name] = full
    }

    /// Forgets all aliases.
    mutating func endAliases() {
        aliases = []
        aliasTargets = [:]
    }

    private func prefixed(_ name: String) -> String {
        let prefix = prefix
        return prefix.isEmpty ? name : "\(prefix):\(name)"
    }

    /// Returns the full name of an account as written.
    func full(_ name: String) -> String {
        dialect == .ledger ? ledgerName(name) : hledgerName(name)
    }

    /// An alias replaces the whole name, else its first segment; only other names get the parents.
    private func ledgerName(_ name: String) -> String {
        if let target = aliasTargets[name] { return target }
        if let colon = name.firstIndex(of: ":"), let target = aliasTargets[String(name[..<colon])] {
            return target + name[colon...]
        }
        return prefixed(name)
    }

    /// The parents come first; then every alias, latest first, may replace the leading segments.
    private func hledgerName(_ name: String) -> String {
        var full = prefixed(name)
        for alias in aliases.reversed() {
            if full == alias.name {
                full = alias.target
            } else if full.hasPrefix(alias.name + ":") {
                full = alias.target + full.dropFirst(alias.name.count)
            }
        }
        return full
    }
}
