// SPDX-License-Identifier: Apache-2.0
//
// Walks the records of a record file from front to back; writes nothing. Imports TallyTypes. Used
// by start-up, by the rebuilding of derived files and by the verifier.

package import TallyTypes

/// One record as it stands in the file.
package struct ScannedRecord: Hashable, Sendable {
    /// Its index.
    package let index: RecordIndex
    /// The offset of its length prefix.
    package let offset: Int
    /// Its bytes, without the prefix.
    package let bytes: [UInt8]
}

/// A walk over the records of the file `entries`.
package struct RecordScanner: Sendable {
    /// The file.
    package let path: String
    /// The index of the record that ``next()`` returns.
    package private(set) var index: RecordIndex
    /// The offset of that record's length prefix; behind the last record, the end of the records.
    package private(set) var offset: Int

    private let file: any DiskFile
    private let size: Int
    private let windowBytes: Int
    private var window: [UInt8] = []
    private var start = 0

    /// Begins at the first record of a folder of record files.
    ///
    /// - Throws: ``StoreFault`` when the file is not there.
    package init(disk: any Disk, directory: String) throws(StoreFault) {
        let path = RecordLayout.entries(directory)
        let file = try onDisk { () throws(DiskFault) in try disk.open(path, .readOnly) }
        try self.init(file: file, index: .zero, offset: 0)
    }

    /// Begins at a record whose offset is known.
    init(
        file: any DiskFile,
        index: RecordIndex,
        offset: Int,
        windowBytes: Int = 4 << 20
    ) throws(StoreFault) {
        self.file = file
        self.index = index
        self.offset = offset
        self.windowBytes = windowBytes
        path = file.path
        size = try onDisk { () throws(DiskFault) in try file.size() }
    }

    /// Returns the next record and goes on, or nil where no whole one follows.
    ///
    /// - Throws: ``StoreFault`` when the disk fails.
    package mutating func next() throws(StoreFault) -> ScannedRecord? {
        let at = offset
        guard let range = try skip() else { return nil }
        let found = RecordIndex(index.rawValue - 1)
        return ScannedRecord(index: found, offset: at, bytes: Array(window[range]))
    }

    /// Goes past the next record; returns where its bytes are in the window, or nil.
    @discardableResult
    mutating func skip() throws(StoreFault) -> Range<Int>? {
        guard let length = try length(), length > 0 else { return nil }
        let whole = RecordLayout.prefixBytes + length
        guard offset + whole <= size else { return nil }
        let range = try slice(at: offset, count: whole)
        offset += whole
        index = index.next
        return range.lowerBound + RecordLayout.prefixBytes..<range.upperBound
    }

    /// The offset of the first byte at or behind an offset that is not zero, or nil.
    package mutating func firstNonZero(from place: Int) throws(StoreFault) -> Int? {
        var at = place
        while at < size {
            let range = try slice(at: at, count: min(size - at, 1 << 16))
            if let position = TallyStore.firstNonZero(window.span.extracting(range)) {
                return at + position
            }
            at += range.count
        }
        return nil
    }

    /// The length that the prefix at the current offset names; nil where the file ends.
    mutating func length() throws(StoreFault) -> Int? {
        guard offset + RecordLayout.prefixBytes <= size else { return nil }
        let prefix = try slice(at: offset, count: RecordLayout.prefixBytes)
        return Int(window[prefix.lowerBound]) << 8 | Int(window[prefix.lowerBound + 1])
    }

    private mutating func slice(at wanted: Int, count: Int) throws(StoreFault) -> Range<Int> {
        if wanted < start || wanted + count > start + window.count {
            let bytes = min(max(count, windowBytes), size - wanted)
            let file = file
            window = try onDisk { () throws(DiskFault) in
                try file.bytes(at: wanted, count: bytes)
            }
            start = wanted
        }
        return wanted - start..<wanted - start + count
    }
}
