// SPDX-License-Identifier: Apache-2.0
//
// Beancount's tokens, one logical line at a time: a line goes on where a text in quotes does.
// Standard library only; called by BeancountParser.

/// One token with its place.
struct BeancountToken: Sendable {
    /// What the token is.
    enum Kind: Sendable {
        case date(CivilDate)
        case account(String)
        /// An upper-case name; a single letter may also be a flag.
        case currency(String)
        case number(WrittenNumber)
        case text(String)
        case tag(String)
        case link(String)
        /// A metadata key, the colon consumed.
        case key(String)
        /// A lower-case word, or TRUE, FALSE, NULL.
        case word(String)
        /// One or two punctuation characters.
        case symbol(String)
    }

    let kind: Kind
    let position: SourcePosition
    /// The token as written, for error messages and metadata.
    let source: String
}

/// The tokens of one logical line.
struct BeancountLine: Sendable {
    let isIndented: Bool
    let tokens: [BeancountToken]
    /// The place behind the last token.
    let end: SourcePosition
}

/// Splits a file into lines of tokens.
struct BeancountLexer: Sendable {
    private var lines: LineReader

    init(_ text: SourceText) {
        lines = LineReader(text)
    }

    /// The path of the file.
    var path: String { lines.text.path }

    /// Returns the next line, nil at the end of the file; a line without tokens is returned as
    /// such.
    mutating func next() throws(ImportError) -> BeancountLine? {
        guard var cursor = lines.next() else { return nil }
        let isIndented = cursor.peek.map(Byte.isBlank) == true
        var tokens: [BeancountToken] = []
        if BeancountLexer.isIgnored(cursor) {
            return BeancountLine(isIndented: false, tokens: [], end: cursor.position)
        }
        while true {
            cursor.skipBlanks()
            guard let byte = cursor.peek, byte != Byte.semicolon else { break }
            let begin = cursor
            let kind = try token(&cursor)
            let source = begin.line == cursor.line ? begin.slice(begin.index, cursor.index) : "\""
            tokens.append(BeancountToken(kind: kind, position: begin.position, source: source))
        }
        return BeancountLine(isIndented: isIndented, tokens: tokens, end: cursor.position)
    }

    /// Lines that start with these characters belong to other programs, outlines for example.
    private static func isIgnored(_ cursor: LineCursor) -> Bool {
        switch cursor.peek {
        case Byte.star, Byte.colon, Byte.bang, UInt8(ascii: "&"), UInt8(ascii: "?"),
            UInt8(ascii: "%"):
            return true
        case UInt8(ascii: "#"): return !(cursor.second.map(isTagByte) ?? false)
        default: return false
        }
    }

    private static func isTagByte(_ byte: UInt8) -> Bool {
        Byte.isWord(byte) || byte == Byte.minus || byte == UInt8(ascii: "_")
            || byte == Byte.slash || byte == Byte.point
    }

    private mutating func token(
        _ cursor: inout LineCursor
    ) throws(ImportError) -> BeancountToken.Kind {
        let begin = cursor
        guard let byte = cursor.peek else { throw unexpected(begin) }
        if Byte.isDigit(byte) { return try numberOrDate(&cursor) }
        if byte == Byte.quote { return .text(try text(&cursor)) }
        if Byte.isUpper(byte) || Byte.isBeyondASCII(byte) { return try upper(&cursor) }
        if Byte.isLower(byte) { return lower(&cursor) }
        cursor.advance()
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: "^"):
            let name = cursor.takeWhile(BeancountLexer.isTagByte)
            if byte == UInt8(ascii: "#") { return name.isEmpty ? .symbol("#") : .tag(name) }
            guard !name.isEmpty else { throw unexpected(begin) }
            return .link(name)
        case Byte.at: return .symbol(cursor.take(Byte.at) ? "@@" : "@")
        case Byte.openBrace: return .symbol(cursor.take(Byte.openBrace) ? "{{" : "{")
        case Byte.closeBrace: return .symbol(cursor.take(Byte.closeBrace) ? "}}" : "}")
        case Byte.slash: return slash(&cursor)
        case Byte.comma, UInt8(ascii: "~"), Byte.plus, Byte.minus, Byte.openParen,
            Byte.closeParen, Byte.star, Byte.colon, Byte.bang, UInt8(ascii: "&"),
            UInt8(ascii: "?"), UInt8(ascii: "%"), UInt8(ascii: "|"):
            return .symbol(begin.slice(begin.index, cursor.index))
        default: throw unexpected(begin)
        }
    }

    private func unexpected(_ place: LineCursor) -> ImportError {
        place.failure(.malformedDirective, "expected a token of Beancount, found \(place.found)")
    }

    /// A slash divides, unless a currency such as `/ESM24` follows.
    private func slash(_ cursor: inout LineCursor) -> BeancountToken.Kind {
        var probe = cursor
        let name = probe.takeWhile(BeancountLexer.isCurrencyByte)
        guard name.utf8.contains(where: Byte.isUpper), name.utf8.last.map(Byte.isWord) == true
        else { return .symbol("/") }
        cursor = probe
        return .currency("/" + name)
    }

    private static func isCurrencyByte(_ byte: UInt8) -> Bool {
        Byte.isUpper(byte) || Byte.isDigit(byte) || byte == UInt8(ascii: "'")
            || byte == Byte.point || byte == UInt8(ascii: "_") || byte == Byte.minus
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        Byte.isWord(byte) || byte == Byte.minus || Byte.isBeyondASCII(byte)
    }

    private func upper(_ cursor: inout LineCursor) throws(ImportError) -> BeancountToken.Kind {
        let begin = cursor
        var account = cursor.takeWhile(BeancountLexer.isNameByte)
        var segments = 1
        while cursor.peek == Byte.colon, let next = cursor.second,
            Byte.isUpper(next) || Byte.isDigit(next) || Byte.isBeyondASCII(next)
        {
            cursor.advance()
            account += ":" + cursor.takeWhile(BeancountLexer.isNameByte)
            segments += 1
        }
        if segments > 1 { return .account(account) }
        cursor = begin
        var name = cursor.takeWhile(BeancountLexer.isCurrencyByte)
        while let last = name.utf8.last, !Byte.isWord(last) {
            name.removeLast()
            cursor.index -= 1
        }
        guard !name.isEmpty, cursor.peek.map(BeancountLexer.isNameByte) != true else {
            throw unexpected(begin)
        }
        if ["TRUE", "FALSE", "NULL"].contains(name) { return .word(name) }
        return .currency(name)
    }

    private func lower(_ cursor: inout LineCursor) -> BeancountToken.Kind {
        let word = cursor.takeWhile {
            Byte.isWord($0) || $0 == Byte.minus || $0 == UInt8(ascii: "_")
        }
        return cursor.take(Byte.colon) ? .key(word) : .word(word)
    }

    private func numberOrDate(
        _ cursor: inout LineCursor
    ) throws(ImportError) -> BeancountToken.Kind {
        var probe = cursor
        let digits = probe.takeWhile(Byte.isDigit)
        let mark = probe.peek
        if digits.utf8.count >= 4, mark == Byte.minus || mark == Byte.slash,
            let next = probe.second, Byte.isDigit(next)
        {
            probe.advance()
            _ = probe.takeWhile(Byte.isDigit)
            if probe.peek == mark, let next = probe.second, Byte.isDigit(next) {
                return .date(try DateReader.date(&cursor, year: nil))
            }
        }
        return .number(
            try NumberReader.number(&cursor, dialect: .beancount, mark: Byte.point)
        )
    }

    /// Reads a text in quotes, over the ends of lines.
    private mutating func text(_ cursor: inout LineCursor) throws(ImportError) -> String {
        let begin = cursor
        cursor.advance()
        var bytes: [UInt8] = []
        while true {
            guard let byte = cursor.peek else {
                guard let line = lines.next() else {
                    throw begin.failure(
                        .malformedString,
                        "expected a closing quote, found the end of the file"
                    )
                }
                bytes.append(Byte.newline)
                cursor = line
                continue
            }
            cursor.advance()
            if byte == Byte.quote { return String(decoding: bytes, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard let escaped = cursor.peek else { continue }
            cursor.advance()
            switch escaped {
            case UInt8(ascii: "n"): bytes.append(Byte.newline)
            case UInt8(ascii: "t"): bytes.append(Byte.tab)
            default: bytes.append(escaped)
            }
        }
    }
}
