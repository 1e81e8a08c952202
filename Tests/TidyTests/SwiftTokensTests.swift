// SPDX-License-Identifier: Apache-2.0
//
// The lexer under the rules: code, strings, comments and interpolations are told apart.

import Testing

@Suite("Lexer")
struct SwiftTokensTests {
    @Test(
        "words and marks of code",
        arguments: [
            ("try? f()", "try ? f ( )"),
            ("let a = \"try? b\" + c", "let a = + c"),
            (#""\(try? f("x")) y" z"#, "try ? f ( ) z"),
            (##"#"\(a) " \#(b)"# c"##, "b c"),
            ("\"\"\"\n a \"b\" \\(c)\n\"\"\" d", "c d"),
            ("a // b\n/* c /* d */ e */ f", "a f"),
            ("1.5 1...2 0xFF a.b", "1.5 1 . . . 2 0xFF a . b"),
            ("`case` #if @Test", "`case` # if @ Test"),
            (#""a\"b" c"#, "c"),
            ("\"unterminated\nnext", "next"),
            ("/* unterminated", ""),
        ]
    )
    func code(text: String, expected: String) {
        let tokens = SwiftTokens(Array(text.utf8)).tokens.filter { $0.kind != .string }
        #expect(tokens.map(\.text).joined(separator: " ") == expected)
    }

    @Test("lines are counted through strings and comments")
    func lineNumbers() {
        let text = "a\n/* x\n y */ b\n\"\"\"\nc\n\"\"\"\nd // e\n"
        let lexed = SwiftTokens(Array(text.utf8))
        #expect(lexed.tokens.filter { $0.kind == .word }.map(\.line) == [1, 3, 7])
        #expect(lexed.comments.map(\.line) == [2, 3, 7])
        #expect(lexed.comments.map(\.text) == ["/* x", " y */", "// e"])
    }

    @Test("any prefix of real code is lexed to its end")
    func prefixes() {
        let text = #"func f() { let a = "x\(y + "z") \n" /* c */ } // d"#
        for count in 0...text.utf8.count {
            let lexed = SwiftTokens(Array(text.utf8.prefix(count)))
            #expect(lexed.tokens.count <= count)
        }
    }
}
