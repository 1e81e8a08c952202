// SPDX-License-Identifier: Apache-2.0
//
// A lexer for Swift and C that is just good enough for style rules: it separates code, strings and
// comments, so that a rule about code is not fooled by a comment. Interpolations are code. It does
// not know regex literals between slashes, which the house style does not use.

/// A word, number, string or single punctuation mark of source code.
struct Token: Equatable {
    enum Kind { case word, number, string, mark }

    let kind: Kind
    /// The characters; of a string those between its quotes, interpolations left out.
    let text: String
    let line: Int
}

/// A comment, line by line.
struct Comment: Equatable {
    let text: String
    let line: Int
}

/// What the lexer makes of a file.
struct SwiftTokens {
    private(set) var tokens: [Token] = []
    private(set) var comments: [Comment] = []
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        lexCode(insideInterpolation: false)
    }

    private func peek(_ offset: Int = 0) -> UInt8 {
        at + offset < bytes.count ? bytes[at + offset] : 0
    }

    private mutating func lexCode(insideInterpolation: Bool) {
        var depth = 0
        while at < bytes.count {
            let byte = bytes[at]
            if insideInterpolation, byte == UInt8(ascii: ")"), depth == 0 { return }
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                at += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                at += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                lexLineComment()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
                lexBlockComment()
            case UInt8(ascii: "\""):
                lexString(hashes: 0)
            case UInt8(ascii: "#"):
                lexHash()
            case UInt8(ascii: "`"):
                lexRawWord()
            case _ where isDigit(byte):
                lexRun(.number) { isWordByte($0) || $0 == UInt8(ascii: ".") }
            case _ where isWordByte(byte):
                lexRun(.word, isWordByte)
            default:
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                add(.mark, at..<at + 1)
                at += 1
            }
        }
    }

    private mutating func add(_ kind: Token.Kind, _ range: Range<Int>, line start: Int? = nil) {
        let text = String(decoding: bytes[range], as: UTF8.self)
        tokens.append(Token(kind: kind, text: text, line: start ?? line))
    }

    private mutating func lexRun(_ kind: Token.Kind, _ belongs: (UInt8) -> Bool) {
        let start = at
        while at < bytes.count, belongs(bytes[at]) {
            if kind == .number, bytes[at] == UInt8(ascii: "."), !isDigit(peek(1)) { break }
            at += 1
        }
        add(kind, start..<at)
    }

    private mutating func lexRawWord() {
        let start = at
        at += 1
        while at < bytes.count, bytes[at] != UInt8(ascii: "`"), bytes[at] != UInt8(ascii: "\n") {
            at += 1
        }
        at = min(at + 1, bytes.count)
        add(.word, start..<at)
    }

    private mutating func lexLineComment() {
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        comments.append(Comment(text: text, line: line))
    }

    private mutating func lexBlockComment() {
        var depth = 0
        var start = at
        repeat {
            if peek() == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                depth += 1
                at += 2
            } else if peek() == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                depth -= 1
                at += 2
            } else {
                if peek() == UInt8(ascii: "\n") {
                    let text = String(decoding: bytes[start..<at], as: UTF8.self)
                    comments.append(Comment(text: text, line: line))
                    line += 1
                    start = at + 1
                }
                at += 1
            }
        } while depth > 0 && at < bytes.count
        let end = min(at, bytes.count)
        let text = String(decoding: bytes[min(start, end)..<end], as: UTF8.self)
        comments.append(Comment(text: text, line: line))
    }

    private mutating func lexHash() {
        var hashes = 0
        while peek(hashes) == UInt8(ascii: "#") { hashes += 1 }
        if peek(hashes) == UInt8(ascii: "\"") {
            at += hashes
            lexString(hashes: hashes)
        } else {
            add(.mark, at..<at + 1)
            at += 1
        }
    }

    private func closes(_ quotes: Int, _ hashes: Int) -> Bool {
        (0..<quotes).allSatisfy { peek($0) == UInt8(ascii: "\"") }
            && (0..<hashes).allSatisfy { peek(quotes + $0) == UInt8(ascii: "#") }
    }

    private func escapes(_ hashes: Int) -> Bool {
        peek() == UInt8(ascii: "\\")
            && (0..<hashes).allSatisfy { peek(1 + $0) == UInt8(ascii: "#") }
    }

    private mutating func lexString(hashes: Int) {
        let first = line
        let quotes =
            peek(1) == UInt8(ascii: "\"") && peek(2) == UInt8(ascii: "\"") ? 3 : 1
        at += quotes
        var content: [UInt8] = []
        let place = tokens.count
        while at < bytes.count, !closes(quotes, hashes) {
            if escapes(hashes) {
                at += 1 + hashes
                if peek() == UInt8(ascii: "(") {
                    at += 1
                    lexCode(insideInterpolation: true)
                } else {
                    content.append(peek())
                    if peek() == UInt8(ascii: "\n") { line += 1 }
                }
            } else {
                if peek() == UInt8(ascii: "\n") {
                    if quotes == 1 { break }  // not a string after all; resume as code
                    line += 1
                }
                content.append(peek())
            }
            at += 1
        }
        if at < bytes.count, closes(quotes, hashes) { at += quotes + hashes }
        let text = String(decoding: content, as: UTF8.self)
        tokens.insert(Token(kind: .string, text: text, line: first), at: min(place, tokens.count))
    }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// True for bytes of identifiers; every byte outside ASCII counts as one.
func isWordByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || byte >= 0x80
        || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
}
