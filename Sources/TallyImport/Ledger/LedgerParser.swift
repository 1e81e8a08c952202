// SPDX-License-Identifier: Apache-2.0
//
// The parser of Ledger and hledger journals: one entry at a time in source order, through includes,
// with all directives applied on the way. Standard library only; reads files through the session's
// reader and is pulled by LedgerRun and HledgerRun. Extensions hold directives, transactions,
// postings.

/// What a file's directives set and what ends with the file.
struct FileScope: Sendable {
    var names: AccountNames
    var year: Int?
    var decimalMark: UInt8?
    var defaultCommodity: String
}

/// One file being read.
struct SourceFrame: Sendable {
    var lines: LineReader
    /// The scope of the including file, to restore at the end.
    let outer: FileScope?
}

/// Facts about an account that its directive states.
struct AccountDeclaration: Sendable {
    let account: String
    let position: SourcePosition
    var details: [(key: String, text: String)] = []
}

/// Pulls entries out of a journal and the files it includes.
struct LedgerParser: Sendable {
    /// How deeply includes may be nested.
    static let includeDepthMax = 64
    let dialect: Dialect
    var sources: SourceLibrary
    var frames: [SourceFrame] = []
    var amounts: AmountContext
    var names: AccountNames
    var year: Int?
    var bucket: String?
    var ignored = IgnoredTally()
    var warnings: [ImportWarning] = []
    var declarations: [AccountDeclaration] = []
    /// The file and the first line of the transaction that was returned last.
    private(set) var start: (text: SourceText, place: LinePlace)?
    /// Counts what may change how a line is read: directives that take effect, and ends of files.
    var scopeNumber = 0

    /// Opens the first file.
    init(path: String, dialect: Dialect, sources: SourceLibrary) throws(ImportError) {
        self.dialect = dialect
        self.sources = sources
        amounts = AmountContext(dialect: dialect)
        names = AccountNames(dialect: dialect)
        let text = try self.sources.open(path, from: nil)
        frames.append(SourceFrame(lines: LineReader(text), outer: nil))
    }

    /// Returns the next entry, nil at the end.
    mutating func next() throws(ImportError) -> JournalEntry? {
        while var line = nextLine() {
            if let entry = try parse(&line) { return entry }
        }
        return nil
    }

    /// Returns the next line of the innermost file, closing files that have ended.
    private mutating func nextLine() -> LineCursor? {
        while !frames.isEmpty {
            if let line = frames[frames.count - 1].lines.next() { return line }
            if let outer = frames.removeLast().outer { restore(outer) }
        }
        return nil
    }

    /// Returns the next line of this file if it is indented and not blank.
    mutating func nextIndented() -> LineCursor? {
        guard let top = frames.indices.last, let line = frames[top].lines.peek() else { return nil }
        guard let first = line.peek, Byte.isBlank(first), !line.rest.isEmpty else { return nil }
        return frames[top].lines.next()
    }

    private mutating func parse(_ line: inout LineCursor) throws(ImportError) -> JournalEntry? {
        guard let first = line.peek, !line.rest.isEmpty else { return nil }
        if Byte.isDigit(first) {
            start = (line.text, LinePlace(offset: line.start, line: line.line))
            return .transaction(try transaction(&line))
        }
        if isComment(first) { return nil }
        if Byte.isBlank(first) {
            line.skipBlanks()
            if let next = line.peek, isComment(next) { return nil }
            throw line.failure(
                .unexpectedIndent,
                "expected a directive or a transaction at the start of a line, found \(line.found)"
            )
        }
        switch first {
        case UInt8(ascii: "~"):
            try skipBlock(named: "~", because: "a periodic transaction is a budget, not a posting")
            return nil
        case Byte.equals: return try automated(&line)
        default: return try directive(&line)
        }
    }

    private func isComment(_ byte: UInt8) -> Bool {
        switch byte {
        case Byte.semicolon, UInt8(ascii: "#"), Byte.star: true
        case UInt8(ascii: "%"), UInt8(ascii: "|"): dialect == .ledger
        default: false
        }
    }

    /// Skips the indented lines of a block that has no effect, and counts it.
    mutating func skipBlock(named name: String, because reason: String) throws(ImportError) {
        ignored.note(name, because: reason)
        while nextIndented() != nil {}
    }

    private mutating func automated(_ line: inout LineCursor) throws(ImportError) -> JournalEntry? {
        guard dialect == .hledger else { return .automated(try automatedRule(&line)) }
        warnings.append(
            ImportWarning(
                position: line.position,
                message: "automated postings are not applied, as hledger does without --auto"
            )
        )
        try skipBlock(named: "=", because: "hledger applies automated postings only with --auto")
        return nil
    }
}

extension LedgerParser {
    /// Opens an included file; its directives end with it as its dialect says.
    mutating func include(_ path: String, at place: LineCursor) throws(ImportError) {
        guard frames.count < LedgerParser.includeDepthMax else {
            throw place.failure(
                .includeTooDeep,
                "expected at most \(LedgerParser.includeDepthMax) nested includes"
            )
        }
        let resolved = try IncludePath.resolve(path, at: place)
        guard !frames.contains(where: { $0.lines.text.path == resolved }) else {
            throw place.failure(.includeCycle, "'\(path)' includes itself")
        }
        let text = try sources.open(resolved, from: place.position)
        let scope = FileScope(
            names: names,
            year: year,
            decimalMark: amounts.decimalMark,
            defaultCommodity: amounts.defaultCommodity
        )
        frames.append(SourceFrame(lines: LineReader(text), outer: scope))
    }

    /// Ends an included file: hledger forgets all it set, Ledger its open blocks and its year.
    private mutating func restore(_ outer: FileScope) {
        scopeNumber += 1
        year = outer.year
        if dialect == .hledger {
            names = outer.names
            amounts.decimalMark = outer.decimalMark
            amounts.defaultCommodity = outer.defaultCommodity
        } else {
            names.blocks = outer.names.blocks
        }
    }
}

/// The paths that an include directive may name.
enum IncludePath {
    /// Returns the path relative to the including file.
    ///
    /// - Throws: `unsupportedInclude` for patterns, home directories and readers' prefixes.
    static func resolve(_ path: String, at place: LineCursor) throws(ImportError) -> String {
        guard !path.isEmpty else {
            throw place.failure(.malformedDirective, "expected a path, found \(place.found)")
        }
        if path.contains(where: { "*?[{".contains($0) }) {
            throw place.failure(
                .unsupportedInclude,
                "expected the path of one file, found the pattern '\(path)'"
            )
        }
        if path.hasPrefix("~") {
            throw place.failure(
                .unsupportedInclude,
                "expected a path without a home directory, found '\(path)'"
            )
        }
        if let colon = path.firstIndex(of: ":"), path[..<colon].allSatisfy(\.isLetter) {
            throw place.failure(
                .unsupportedInclude,
                "expected a path without a reader's prefix, found '\(path)'"
            )
        }
        return SourcePath.resolve(path, includedBy: place.text.path)
    }
}
