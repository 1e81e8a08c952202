// SPDX-License-Identifier: Apache-2.0
//
// The spelling of addresses: `^[a-zA-Z0-9_-]+(:[a-zA-Z0-9_-]+)*$`. Standard library only; called by
// AccountMap. Blanks become `_`, common letters beyond ASCII their usual Latin spelling, common
// punctuation a word or a dash, everything else `_uHEX_`. Spellings may meet; the map refuses that.

/// Spells account names as addresses.
enum AddressText {
    /// The longest address in bytes.
    static let bytesMax = 1024

    /// True when a text is an address as it stands.
    static func isLegal(_ text: String) -> Bool {
        guard text.utf8.count <= bytesMax else { return false }
        return text.split(separator: ":", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy(isAddressByte)
        }
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        Byte.isWord(byte) || byte == Byte.minus || byte == UInt8(ascii: "_")
    }

    /// Returns the address of an account.
    ///
    /// - Throws: `malformedAccount` for an empty segment, `accountTooLong`.
    static func address(
        of name: String,
        at position: SourcePosition
    ) throws(ImportError) -> String {
        var segments: [String] = []
        for segment in name.split(separator: ":", omittingEmptySubsequences: false) {
            let spelled = spell(segment)
            guard !spelled.isEmpty else {
                throw ImportError(
                    .malformedAccount,
                    at: position,
                    "expected an account without empty segments, found '\(name)'"
                )
            }
            segments.append(spelled)
        }
        let address = segments.joined(separator: ":")
        guard address.utf8.count <= bytesMax else {
            throw ImportError(
                .accountTooLong,
                at: position,
                "expected an address of at most \(bytesMax) bytes, found \(address.utf8.count)"
            )
        }
        // `world` may spend without limit in the ledger; a journal's account must not.
        return address == "world" ? "world_" : address
    }

    private static func spell(_ segment: Substring) -> String {
        var spelled = ""
        for scalar in segment.unicodeScalars {
            if scalar.isASCII {
                spelled += spell(ascii: scalar)
            } else if (0x0300...0x036F).contains(scalar.value) {
                continue  // a combining mark belongs to the letter before it
            } else if let letters = letters[scalar] {
                spelled += letters
            } else {
                spelled += escape(scalar)
            }
        }
        return spelled
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        "_u" + String(scalar.value, radix: 16) + "_"
    }

    private static func spell(ascii scalar: Unicode.Scalar) -> String {
        if isAddressByte(UInt8(truncatingIfNeeded: scalar.value)) { return String(scalar) }
        switch scalar {
        case " ", "\t": return "_"
        case "'": return ""
        case "&": return "and"
        case "+": return "plus"
        case "@": return "at"
        case "%": return "percent"
        case ".", ",", "/", ";", "(", ")", "[", "]": return "-"
        default: return escape(scalar)
        }
    }

    /// Rows of letters and the spelling of each: Latin, Greek and Cyrillic.
    private static let letters: [Unicode.Scalar: String] = {
        let rows: [(String, String)] = [
            ("ÀÁÂÃĀĂĄ", "A"), ("àáâãāăąª", "a"), ("Ä", "Ae"), ("ä", "ae"), ("Å", "Aa"), ("å", "aa"),
            ("Æ", "AE"), ("æ", "ae"), ("ÇĆĈĊČ", "C"), ("çćĉċč", "c"), ("ĎĐÐ", "D"), ("ďđð", "d"),
            ("ÈÉÊËĒĔĖĘĚ", "E"), ("èéêëēĕėęě", "e"), ("ĜĞĠĢ", "G"), ("ĝğġģ", "g"), ("ĤĦ", "H"),
            ("ĥħ", "h"), ("ÌÍÎÏĨĪĬĮİ", "I"), ("ìíîïĩīĭįı", "i"), ("Ĵ", "J"), ("ĵ", "j"), ("Ķ", "K"),
            ("ķ", "k"), ("ĹĻĽĿŁ", "L"), ("ĺļľŀł", "l"), ("ÑŃŅŇ", "N"), ("ñńņň", "n"),
            ("ÒÓÔÕŌŎŐ", "O"), ("òóôõōŏőº", "o"), ("ÖØ", "Oe"), ("öø", "oe"), ("Œ", "OE"),
            ("œ", "oe"),
            ("ŔŖŘ", "R"), ("ŕŗř", "r"), ("ŚŜŞŠȘ", "S"), ("śŝşšș", "s"), ("ß", "ss"), ("ŢŤŦȚ", "T"),
            ("ţťŧț", "t"), ("ÙÚÛŨŪŬŮŰŲ", "U"), ("ùúûũūŭůűų", "u"), ("Ü", "Ue"), ("ü", "ue"),
            ("Ŵ", "W"), ("ŵ", "w"), ("ÝŶŸ", "Y"), ("ýÿŷ", "y"), ("ŹŻŽ", "Z"), ("źżž", "z"),
            ("Þ", "Th"), ("þ", "th"), ("’‘", ""), ("–—", "-"), ("\u{A0}", "_"),
            ("Α", "A"), ("α", "a"), ("Β", "V"), ("β", "v"), ("Γ", "G"), ("γ", "g"), ("Δ", "D"),
            ("δ", "d"), ("Ε", "E"), ("ε", "e"), ("Ζ", "Z"), ("ζ", "z"), ("ΗΙΪ", "I"), ("ηιϊ", "i"),
            ("Θ", "Th"), ("θ", "th"), ("Κ", "K"), ("κ", "k"), ("Λ", "L"), ("λ", "l"), ("Μ", "M"),
            ("μµ", "m"), ("Ν", "N"), ("ν", "n"), ("Ξ", "X"), ("ξ", "x"), ("ΟΩ", "O"), ("οω", "o"),
            ("Π", "P"), ("π", "p"), ("Ρ", "R"), ("ρ", "r"), ("Σ", "S"), ("σς", "s"), ("Τ", "T"),
            ("τ", "t"), ("Υ", "Y"), ("υ", "y"), ("Φ", "F"), ("φ", "f"), ("Χ", "Ch"), ("χ", "ch"),
            ("Ψ", "Ps"), ("ψ", "ps"), ("ά", "a"), ("έ", "e"), ("ήί", "i"), ("όώ", "o"), ("ύ", "y"),
            ("А", "A"), ("а", "a"), ("Б", "B"), ("б", "b"), ("В", "V"), ("в", "v"), ("Г", "G"),
            ("г", "g"), ("Д", "D"), ("д", "d"), ("ЕЭ", "E"), ("еэ", "e"), ("Ё", "Yo"), ("ё", "yo"),
            ("Ж", "Zh"), ("ж", "zh"), ("З", "Z"), ("з", "z"), ("ИІ", "I"), ("иі", "i"), ("Й", "J"),
            ("й", "j"), ("К", "K"), ("к", "k"), ("Л", "L"), ("л", "l"), ("М", "M"), ("м", "m"),
            ("Н", "N"), ("н", "n"), ("О", "O"), ("о", "o"), ("П", "P"), ("п", "p"), ("Р", "R"),
            ("р", "r"), ("С", "S"), ("с", "s"), ("Т", "T"), ("т", "t"), ("У", "U"), ("у", "u"),
            ("Ф", "F"), ("ф", "f"), ("Х", "Kh"), ("х", "kh"), ("Ц", "Ts"), ("ц", "ts"), ("Ч", "Ch"),
            ("ч", "ch"), ("Ш", "Sh"), ("ш", "sh"), ("Щ", "Shch"), ("щ", "shch"), ("Ъъ", ""),
            ("Ы", "Y"), ("ы", "y"), ("Ьь", ""), ("Ю", "Yu"), ("ю", "yu"), ("Я", "Ya"), ("я", "ya"),
            ("Ї", "Yi"), ("ї", "yi"), ("Є", "Ye"), ("є", "ye"), ("Ґ", "G"), ("ґ", "g"),
        ]
        var letters: [Unicode.Scalar: String] = [:]
        for (scalars, spelling) in rows {
            for scalar in scalars.unicodeScalars { letters[scalar] = spelling }
        }
        return letters
    }()
}
