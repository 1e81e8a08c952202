// SPDX-License-Identifier: Apache-2.0
//
// The parser of Beancount files: all dated entries that matter for balances, through includes, with
// options, plugins and tag stacks applied on the way. Standard library only; called by
// BeancountRun.

/// Reads a Beancount file and the files it includes.
struct BeancountParser: Sendable {
    var sources: SourceLibrary
    var entries: [BeancountEntry] = []
    var options = BeancountOptions()
    var declarations: [AccountDeclaration] = []
    var ignored = IgnoredTally()
    /// The files being read, outermost first.
    private var path: [String] = []
    var tags: [String] = []
    var meta: [(key: String, text: String)] = []
    /// The line that was read ahead.
    private var ahead: BeancountLine?

    init(sources: SourceLibrary) {
        self.sources = sources
    }

    /// Reads a file to its end.
    mutating func read(_ file: String, from place: SourcePosition?) throws(ImportError) {
        let text = try sources.open(file, from: place)
        var lexer = BeancountLexer(text)
        path.append(file)
        let outer = (tags: tags, meta: meta)
        tags = []
        meta = []
        while let line = try nextLine(&lexer) {
            guard !line.tokens.isEmpty else { continue }
            var cursor = TokenCursor(line)
            guard !line.isIndented else {
                throw cursor.failure(.unexpectedIndent, "a directive at the start of a line")
            }
            try directive(&cursor, &lexer)
        }
        guard tags.isEmpty, meta.isEmpty else {
            throw ImportError(
                .unbalancedBlock,
                at: SourcePosition(file: file, line: 1, column: 1),
                "expected every pushtag and pushmeta to be popped by the end of the file"
            )
        }
        (tags, meta) = outer
        path.removeLast()
    }

    private mutating func nextLine(
        _ lexer: inout BeancountLexer
    ) throws(ImportError) -> BeancountLine? {
        if let line = ahead {
            ahead = nil
            return line
        }
        return try lexer.next()
    }

    /// Returns the next line when it is indented; lines with only a comment are passed over.
    mutating func nextIndented(
        _ lexer: inout BeancountLexer
    ) throws(ImportError) -> TokenCursor? {
        while let line = try nextLine(&lexer) {
            guard line.isIndented else {
                ahead = line
                return nil
            }
            if !line.tokens.isEmpty { return TokenCursor(line) }
        }
        return nil
    }

    private mutating func directive(
        _ cursor: inout TokenCursor,
        _ lexer: inout BeancountLexer
    ) throws(ImportError) {
        switch cursor.peek?.kind {
        case .date(let date): try dated(date, &cursor, &lexer)
        case .word(let word):
            guard let directive = BeancountDirective(rawValue: word) else {
                throw cursor.failure(.unknownDirective, "a date or a directive")
            }
            cursor.advance()
            try undated(directive, &cursor)
        default: throw cursor.failure(.unknownDirective, "a date or a directive")
        }
    }

    private mutating func undated(
        _ directive: BeancountDirective,
        _ cursor: inout TokenCursor
    ) throws(ImportError) {
        switch directive {
        case .option: try option(&cursor)
        case .plugin: try plugin(&cursor)
        case .include: try include(&cursor)
        case .pushtag: tags.append(try tag(&cursor))
        case .poptag:
            let place = cursor
            let name = try tag(&cursor)
            guard let index = tags.lastIndex(of: name) else {
                throw place.failure(.unbalancedBlock, "a tag that was pushed")
            }
            tags.remove(at: index)
        case .pushmeta, .popmeta: try metaStack(directive, &cursor)
        default: throw cursor.failure(.malformedDirective, "a date before '\(directive.rawValue)'")
        }
        try cursor.requireEnd()
    }

    private func tag(_ cursor: inout TokenCursor) throws(ImportError) -> String {
        guard case .tag(let name) = cursor.peek?.kind else {
            throw cursor.failure(.malformedDirective, "a tag")
        }
        cursor.advance()
        return name
    }

    private mutating func metaStack(
        _ directive: BeancountDirective,
        _ cursor: inout TokenCursor
    ) throws(ImportError) {
        guard case .key(let key) = cursor.peek?.kind else {
            throw cursor.failure(.malformedMetadata, "a metadata key")
        }
        let place = cursor
        cursor.advance()
        if directive == .pushmeta {
            meta.append((key: key, text: try metadataValue(&cursor)))
            return
        }
        guard let index = meta.lastIndex(where: { $0.key == key }) else {
            throw place.failure(.unbalancedBlock, "a key that was pushed")
        }
        meta.remove(at: index)
    }

    private mutating func include(_ cursor: inout TokenCursor) throws(ImportError) {
        let place = cursor.position
        let name = try cursor.text()
        guard let current = path.last else { return }
        guard path.count < LedgerParser.includeDepthMax else {
            throw ImportError(
                .includeTooDeep,
                at: place,
                "expected at most \(LedgerParser.includeDepthMax) nested includes"
            )
        }
        guard !name.isEmpty, !name.contains(where: { "*?[{".contains($0) }),
            !name.hasPrefix("~")
        else {
            throw ImportError(
                .unsupportedInclude,
                at: place,
                "expected the path of one file, found '\(name)'"
            )
        }
        let resolved = SourcePath.resolve(name, includedBy: current)
        guard !path.contains(resolved) else {
            throw ImportError(.includeCycle, at: place, "'\(name)' includes itself")
        }
        let kept = ahead
        ahead = nil
        try read(resolved, from: place)
        ahead = kept
    }
}
