// SPDX-License-Identifier: Apache-2.0
//
// Names that a client made up, as an error may say them: short, on one line, and nothing that a
// terminal acts on. Error texts call it.

/// Text of clients in error texts.
enum ClientText {
    /// The most characters that are said again.
    private static let charactersMax = 64

    /// A name, cut short, its control characters as question marks.
    static func quoted(_ name: String) -> String {
        let start = name.unicodeScalars.prefix(charactersMax)
        var text = ""
        for scalar in start {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate,
                .privateUse, .unassigned:
                text.unicodeScalars.append("?")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return name.unicodeScalars.count > charactersMax ? text + "…" : text
    }
}
