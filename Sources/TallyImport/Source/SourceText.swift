// SPDX-License-Identifier: Apache-2.0
//
// One file's bytes as checked UTF-8 text with lines, and a cursor over one line. Standard library
// only; called by both parsers. Lines end with LF or CR LF; a byte order mark at the start is
// skipped.

/// The checked content of one file.
struct SourceText: Sendable {
    /// The path under which the file was read.
    let path: String
    /// All bytes; valid UTF-8.
    let bytes: [UInt8]

    /// Checks the encoding.
    ///
    /// - Throws: `invalidEncoding` at the first byte that is not UTF-8, or at a NUL.
    init(path: String, bytes: [UInt8]) throws(ImportError) {
        self.path = path
        self.bytes = bytes
        guard let bad = UTF8Check.firstBadByte(in: bytes) else { return }
        throw ImportError(
            .invalidEncoding,
            at: SourceText.position(of: bad, in: bytes, path: path),
            "expected UTF-8 text, found the byte 0x\(String(bytes[bad], radix: 16))"
        )
    }

    private static func position(of offset: Int, in bytes: [UInt8], path: String) -> SourcePosition
    {
        var line = 1
        var start = 0
        for index in 0..<offset where bytes[index] == Byte.newline {
            line += 1
            start = index + 1
        }
        let column = bytes[start..<offset].count { $0 & 0xC0 != 0x80 } + 1
        return SourcePosition(file: path, line: line, column: column)
    }

    /// A number that differs for different content, to notice a file that changed between passes.
    ///
    /// - Source: FNV-1a, 64 bits.
    var checksum: UInt64 {
        StableHash.of(bytes)
    }
}

/// Where each line starts and ends, one after another.
struct LineReader: Sendable {
    let text: SourceText
    private var offset: Int
    private var number = 0

    /// Starts at the first line.
    init(_ text: SourceText) {
        self.text = text
        offset = text.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Starts at a line that was read before.
    init(_ text: SourceText, from place: LinePlace) {
        self.text = text
        offset = place.offset
        number = place.line - 1
    }

    /// Returns a cursor at the start of the next line without consuming it.
    func peek() -> LineCursor? {
        var copy = self
        return copy.next()
    }

    /// Returns a cursor at the start of the next line.
    mutating func next() -> LineCursor? {
        let bytes = text.bytes
        guard offset < bytes.count else { return nil }
        let start = offset
        var end = offset
        while end < bytes.count, bytes[end] != Byte.newline { end += 1 }
        offset = end + 1
        number += 1
        if end > start, bytes[end - 1] == Byte.carriageReturn { end -= 1 }
        return LineCursor(text: text, line: number, start: start, end: end)
    }
}

/// A place within one line, moving right.
struct LineCursor: Sendable {
    let text: SourceText
    /// The line's number, from 1.
    let line: Int
    /// The offset of the line's first byte.
    let start: Int
    /// The offset after the line's last byte; parsers may shorten the line to cut a comment off.
    var end: Int
    /// The offset of the next byte.
    var index: Int

    init(text: SourceText, line: Int, start: Int, end: Int) {
        self.text = text
        self.line = line
        self.start = start
        self.end = end
        index = start
    }

    /// The next byte, or nil at the end of the line.
    var peek: UInt8? { index < end ? text.bytes[index] : nil }
    /// The byte after the next one.
    var second: UInt8? { index + 1 < end ? text.bytes[index + 1] : nil }
    var isAtEnd: Bool { index >= end }
    /// The place of the next byte.
    var position: SourcePosition { position(at: index) }

    /// Returns the place of a byte of this line.
    func position(at offset: Int) -> SourcePosition {
        let column = text.bytes[start..<max(start, offset)].count { $0 & 0xC0 != 0x80 } + 1
        return SourcePosition(file: text.path, line: line, column: column)
    }

    /// Consumes one byte.
    mutating func advance() {
        index += 1
    }

    /// Consumes the byte if it is the next one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        index += 1
        return true
    }

    /// Consumes a text if it comes next.
    mutating func take(_ word: StaticString) -> Bool {
        let wanted = String(describing: word).utf8
        guard index + wanted.count <= end else { return false }
        guard text.bytes[index..<index + wanted.count].elementsEqual(wanted) else { return false }
        index += wanted.count
        return true
    }

    /// Consumes bytes while they satisfy a condition and returns them as text.
    mutating func takeWhile(_ isWanted: (UInt8) -> Bool) -> String {
        let from = index
        while index < end, isWanted(text.bytes[index]) { index += 1 }
        return slice(from, index)
    }

    /// Consumes spaces and tabs.
    mutating func skipBlanks() {
        while index < end, Byte.isBlank(text.bytes[index]) { index += 1 }
    }

    /// Returns the bytes between two offsets as text.
    func slice(_ from: Int, _ to: Int) -> String {
        String(decoding: text.bytes[from..<max(from, to)], as: UTF8.self)
    }

    /// The rest of the line without blanks at both ends.
    var rest: String {
        var copy = self
        copy.skipBlanks()
        var last = end
        while last > copy.index, Byte.isBlank(text.bytes[last - 1]) { last -= 1 }
        return slice(copy.index, last)
    }

    /// A few words for an error message: what stands at this place.
    var found: String {
        isAtEnd ? "the end of the line" : "'\(rest.prefix(40))'"
    }

    /// Makes an error at the next byte.
    func failure(_ code: ImportError.Code, _ message: String) -> ImportError {
        ImportError(code, at: position, message)
    }
}
