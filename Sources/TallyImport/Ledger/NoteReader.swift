// SPDX-License-Identifier: Apache-2.0
//
// Notes behind `;`: plain words, tags, values and dates in brackets. Standard library only; called
// by the Ledger parser for headers, postings and note lines. The whole text is always kept as a
// note, so that a tag this file does not recognise is not lost.

/// What a note says.
struct ParsedNote: Sendable {
    var annotations: [Annotation] = []
    var date: CivilDate?
    var date2: CivilDate?
}

/// Reads notes by the rules of a dialect.
enum NoteReader {
    /// Reads the rest of the line behind the semicolon.
    ///
    /// - Throws: `malformedDate` for a date in brackets that does not exist.
    static func read(
        _ cursor: LineCursor,
        dialect: Dialect,
        year: Int?
    ) throws(ImportError) -> ParsedNote {
        var note = ParsedNote()
        let text = cursor.rest
        guard !text.isEmpty else { return note }
        note.annotations.append(.note(text))
        note.annotations += dialect == .hledger ? hledgerTags(text) : ledgerTags(text)
        try readBracketedDates(cursor, year: year, into: &note)
        if dialect == .hledger { try readDateTags(cursor, year: year, into: &note) }
        return note
    }

    /// `:one:two:` anywhere, and `Key: value` at the start.
    private static func ledgerTags(_ text: String) -> [Annotation] {
        var tags: [Annotation] = []
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        for (position, word) in words.enumerated() {
            if word.count > 2, word.hasPrefix(":"), word.hasSuffix(":") {
                tags += word.split(separator: ":").map { .tag(String($0)) }
            } else if position == 0, word.count > 1, word.hasSuffix(":") {
                let key = word.prefix { $0 != ":" }
                let value = text.dropFirst(word.count).drop { $0 == " " || $0 == "\t" }
                if !key.isEmpty { tags.append(.value(key: String(key), text: String(value))) }
                break
            }
        }
        return tags
    }

    /// `name:value`, ended by a comma or the end of the line, anywhere.
    private static func hledgerTags(_ text: String) -> [Annotation] {
        var tags: [Annotation] = []
        for part in text.split(separator: ",") {
            guard let colon = part.firstIndex(of: ":") else { continue }
            let name = part[..<colon].split(separator: " ").last ?? ""  // no name
            guard !name.isEmpty, part[..<colon].hasSuffix(name) else { continue }
            let value = part[part.index(after: colon)...].drop { $0 == " " }
            let trimmed = value.reversed().drop { $0 == " " }.reversed()
            if trimmed.isEmpty {
                tags.append(.tag(String(name)))
            } else {
                tags.append(.value(key: String(name), text: String(trimmed)))
            }
        }
        return tags
    }

    /// `[2004/01/01]`, `[=2004/02/01]`, `[2004/01/01=2004/02/01]`; other brackets are words.
    private static func readBracketedDates(
        _ cursor: LineCursor,
        year: Int?,
        into note: inout ParsedNote
    ) throws(ImportError) {
        var scan = cursor
        while !scan.isAtEnd {
            guard scan.take(Byte.openBracket) else {
                scan.advance()
                continue
            }
            var probe = scan
            let body = probe.takeWhile { byte in
                Byte.isDigit(byte) || byte == Byte.slash || byte == Byte.minus
                    || byte == Byte.point || byte == Byte.equals
            }
            guard !body.isEmpty, probe.peek == Byte.closeBracket else { continue }
            var inner = scan
            inner.end = probe.index
            if inner.peek != Byte.equals { note.date = try DateReader.date(&inner, year: year) }
            if inner.take(Byte.equals) { note.date2 = try DateReader.date(&inner, year: year) }
            guard inner.isAtEnd else {
                throw inner.failure(.malformedDate, "expected ']', found \(inner.found)")
            }
            scan = probe
        }
    }

    /// `date:2004/01/01` and `date2:…` as hledger's posting dates.
    private static func readDateTags(
        _ cursor: LineCursor,
        year: Int?,
        into note: inout ParsedNote
    ) throws(ImportError) {
        var scan = cursor
        var isWordStart = true
        while let byte = scan.peek {
            if isWordStart {
                if scan.take("date:") {
                    scan.skipBlanks()
                    note.date = try DateReader.date(&scan, year: year)
                    continue
                }
                if scan.take("date2:") {
                    scan.skipBlanks()
                    note.date2 = try DateReader.date(&scan, year: year)
                    continue
                }
            }
            isWordStart = Byte.isBlank(byte) || byte == Byte.comma
            scan.advance()
        }
    }
}
