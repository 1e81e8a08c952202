// SPDX-License-Identifier: Apache-2.0
//
// The files that hold the records, docs/formats/record-files.md. In the folder `records`:
//
//     entries          every record, one behind the other, from index 0: its length in two bytes,
//                      big-endian, and its bytes; 256 of them are a bundle as C2SP tlog-tiles
//                      serves it. Behind the last record all bytes are zero (a record has at least
//                      one byte).
//     offsets          the offset in `entries` of each bundle's first byte, eight bytes
//                      little-endian, from bundle 0; zeros behind the last. Derived from `entries`.
//     positions/BOOK   BOOK = the book's id in 32 hexadecimal digits: for each transaction id from
//                      1 the index of its record, eight bytes little-endian; 0 = none (record 0 is
//                      never a transaction's). Derived from `entries`.
//
//     tiles/LEVEL      the hashes of a level of the tree, 32 bytes each (TileFiles.swift). Derived
//                      from `entries`.
//
//     blobs/SHA-256    what is too large for its record, one file each (BlobFiles.swift)
//
//     rebuilding       empty; there while positions are being rebuilt
//     rebuilding-tiles empty; there while tiles of synced records are being rebuilt
//
// All are append-only and grow in preallocated steps. Imports TallyTypes.

package import TallyTypes

/// The sizes of the record files.
package struct RecordFilesConfiguration: Hashable, Sendable {
    /// Bytes by which `entries` grows; the other files grow by less.
    package let stepBytes: Int
    /// Books whose array of positions is kept open.
    package let openBooksMax: Int

    /// Makes a configuration.
    package init(stepBytes: Int = Limits.recordFileStepBytes, openBooksMax: Int = 256) {
        self.stepBytes = stepBytes
        self.openBooksMax = openBooksMax
    }
}

/// Where a transaction's record is.
package struct RecordPosition: Hashable, Sendable {
    /// The transaction's book.
    package let book: BookID
    /// The transaction.
    package let transaction: TransactionID
    /// The record that made it.
    package let record: RecordIndex

    /// Makes a position.
    package init(book: BookID, transaction: TransactionID, record: RecordIndex) {
        self.book = book
        self.transaction = transaction
        self.record = record
    }
}

/// The names and fixed sizes of the record files.
enum RecordLayout {
    static let prefixBytes = 2
    static let rowBytes = 8
    static let bundle = UInt64(Limits.recordsPerBundle)
    /// Loss of power tears a write at multiples of this.
    static let sectorBytes = 512

    static func entries(_ directory: String) -> String { directory + "/entries" }
    static func offsets(_ directory: String) -> String { directory + "/offsets" }
    static func rebuilding(_ directory: String) -> String { directory + "/rebuilding" }
    static func rebuildingTiles(_ directory: String) -> String { directory + "/rebuilding-tiles" }
    static func tiles(_ directory: String) -> String { directory + "/tiles" }
    static func blobs(_ directory: String) -> String { directory + "/blobs" }
    static func positions(_ directory: String) -> String { directory + "/positions" }
    static func positions(_ directory: String, _ book: BookID) -> String {
        positions(directory) + "/" + book.description
    }

    /// Where the bundles that begin in a run of framed records begin, and the index behind it.
    static func bundles(
        in framed: Span<UInt8>,
        from first: RecordIndex,
        at begin: Int
    ) -> (begun: [UInt64], next: RecordIndex) {
        var begun: [UInt64] = []
        var (at, index) = (0, first.rawValue)
        while at + prefixBytes < framed.count {
            if index % bundle == 0 { begun.append(UInt64(begin + at)) }
            let length = Int(framed[at]) << 8 | Int(framed[at + 1])
            invariant(.i34, length > 0, "record \(index) has no bytes")
            at += prefixBytes + length
            index += 1
        }
        invariant(.i34, at == framed.count, "the last record of a batch ends at \(at)")
        return (begun, RecordIndex(index))
    }

    /// The rows of a file of eight-byte rows as bytes.
    static func rows(_ values: [UInt64]) -> [UInt8] {
        unsafe values.map { $0.littleEndian }.withUnsafeBytes { unsafe Array($0) }
    }
}

/// A file that grows in preallocated steps, used by one thread at a time.
struct GrowingFile {
    let file: any DiskFile
    private(set) var size: Int

    init(_ file: any DiskFile) throws(DiskFault) {
        self.file = file
        size = try file.size()
    }

    /// Writes bytes, after the file was made long enough for them by whole steps.
    mutating func write(_ bytes: Span<UInt8>, at offset: Int, step: Int) throws(DiskFault) {
        let end = offset + bytes.count
        if end > size {
            let wanted = (end + step - 1) / step * step
            try file.preallocate(to: wanted)
            size = wanted
        }
        try file.write(bytes, at: offset)
    }
}
