// SPDX-License-Identifier: Apache-2.0
//
// The files of one import: read through the caller's closure, checked, remembered by size and hash,
// so that the second pass notices a file that changed. Standard library only; owned by a parser.

/// A file that took part in an import.
package struct ImportedFile: Hashable, Sendable {
    /// The path under which it was read.
    package let path: String
    /// Its size.
    package let byteCount: Int
    /// FNV-1a of its bytes, to notice a change.
    package let checksum: UInt64
}

/// Opens files and compares them with an earlier pass.
struct SourceLibrary: Sendable {
    private let reader: SourceReader
    /// What an earlier pass saw; nil in the first pass.
    private let expected: [String: ImportedFile]?
    /// The files opened, in order, each once.
    private(set) var files: [ImportedFile] = []

    init(reader: SourceReader, expected: [ImportedFile]?) {
        self.reader = reader
        self.expected = expected.map { files in
            Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// Returns the checked text of a file.
    ///
    /// - Throws: `unreadable`, `invalidEncoding`, `sourceChanged`.
    mutating func open(
        _ path: String,
        from place: SourcePosition?
    ) throws(ImportError) -> SourceText {
        let start = SourcePosition(file: path, line: 1, column: 1)
        let bytes: [UInt8]
        do {
            bytes = try reader.read(path)
        } catch {
            throw ImportError(
                .unreadable,
                at: place ?? start,
                "cannot read '\(path)': \(error.reason)"
            )
        }
        let text = try SourceText(path: path, bytes: bytes)
        let file = ImportedFile(path: path, byteCount: bytes.count, checksum: text.checksum)
        if let expected, expected[path] != file {
            throw ImportError(
                .sourceChanged,
                at: start,
                "expected the file that was scanned, found another content"
            )
        }
        if !files.contains(file) { files.append(file) }
        return text
    }
}
