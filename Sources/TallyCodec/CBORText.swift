// SPDX-License-Identifier: Apache-2.0
//
// Which text may stand as a CBOR text string. Standard library only; called by the reader and
// writer.
//
// Profile T1 asks for normalization form C. A field of ours also asks that every code point had a
// meaning in Unicode 14.0, for the form is stable only then; free text that breaks this is written
// as bytes.
//
// The version is pinned because the answer decides which bytes are written. It is asked from the
// age of a code point, which never changes, so that a newer standard library gives the same answer.
// For code points of that age the Unicode stability policy promises that normalization does not
// change either; all others count as inert: starters that neither decompose nor compose.

@_spi(_Unicode) import Swift

/// The rules that say whether text may be a text string.
package enum CBORText {
    /// The pinned Unicode version: that of the oldest verifier we promise to work.
    package static let unicodeVersion: Unicode.Version = (major: 14, minor: 0)

    /// True when every byte is ASCII.
    static func isASCII(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { $0 < 0x80 }
    }

    /// True when free text is written as a text string: normalized, and every code point assigned.
    package static func qualifies(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(isAssigned) && isNormalized(text)
    }

    /// True when the text is in normalization form C of Unicode 14.0, as profile T1 asks.
    package static func isNormalized(_ text: String) -> Bool {
        guard text.unicodeScalars.contains(where: { $0.value >= firstMark }) else { return true }
        return text.unicodeScalars.split(whereSeparator: { !isAssigned($0) }).allSatisfy { run in
            Substring(run)._nfc.elementsEqual(run)
        }
    }

    /// True when the code point had a meaning, be it a private or a reserved one, in Unicode 14.0.
    package static func isAssigned(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= firstMark else { return true }
        guard let age = scalar.properties.age else { return false }
        return age <= unicodeVersion
    }

    /// The first combining mark; all below is assigned, and in normalization form C as it stands.
    private static let firstMark: UInt32 = 0x300
}
