// SPDX-License-Identifier: Apache-2.0
//
// Reads the orders that concern books and the ledger itself, and the parts that orders, outcomes
// and state rows have in common; the layout is in OrderCodec.swift. Imports the data types only.

import TallyTypes

extension CBORReader {
    /// Reads `ledger.create`.
    mutating func readCreateLedger() throws(CBORError) -> CreateLedger {
        let start = offset
        var map = try readMapHeader("")
        var origin: Text?
        var entriesPerGeneration: UInt64?
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: origin = try readText("origin")
            case 1: entriesPerGeneration = try readEntriesPerGeneration()
            default: throw unknownKey(map)
            }
        }
        return CreateLedger(
            origin: try need(origin, "origin", at: start),
            entriesPerGeneration: try need(
                entriesPerGeneration,
                "entriesPerGeneration",
                at: start
            )
        )
    }

    /// Reads `book.create`.
    mutating func readCreateBook() throws(CBORError) -> CreateBook {
        let start = offset
        var map = try readMapHeader("")
        var name: BookName?
        var kind: BookKind?
        var bucket = CreateBook.defaultBucket
        var metadata = Metadata.empty
        var features = Metadata.empty
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: name = try readName("name", BookName.init)
            case 1: kind = try readBookKind("kind")
            case 2: bucket = try readBucket("bucket")
            case 3: metadata = try readNonEmptyMetadata("metadata")
            case 4: features = try readNonEmptyMetadata("features")
            default: throw unknownKey(map)
            }
        }
        return CreateBook(
            name: try need(name, "name", at: start),
            kind: try need(kind, "kind", at: start),
            bucket: bucket,
            metadata: metadata,
            features: features
        )
    }

    private mutating func readBucket(_ field: String) throws(CBORError) -> Text {
        let start = offset
        let bucket = try readText(field)
        guard bucket != CreateBook.defaultBucket else {
            throw error(.writtenDefault, field, at: start)
        }
        return bucket
    }

    /// Reads `book.delete`, which has no fields.
    mutating func readDeleteBook() throws(CBORError) -> Order {
        var map = try readMapHeader("")
        guard try nextKey(&map, "") == nil else { throw unknownKey(map) }
        return .deleteBook
    }

    /// Reads `config.set`.
    mutating func readSetConfiguration() throws(CBORError) -> Order {
        let start = offset
        var map = try readMapHeader("")
        var entriesPerGeneration: UInt64?
        while let key = try nextKey(&map, "") {
            guard key == 0 else { throw unknownKey(map) }
            entriesPerGeneration = try readEntriesPerGeneration()
        }
        return .setConfiguration(
            entriesPerGeneration: try need(
                entriesPerGeneration,
                "entriesPerGeneration",
                at: start
            )
        )
    }

    private mutating func readEntriesPerGeneration() throws(CBORError) -> UInt64 {
        let field = "entriesPerGeneration"
        let start = offset
        let entries = try readUnsigned(field)
        guard (1...Limits.entriesPerGenerationMax).contains(entries) else {
            throw error(.outOfRange, field, at: start)
        }
        return entries
    }

    /// Reads an order that is metadata and nothing else.
    mutating func readMetadataOrder() throws(CBORError) -> Metadata {
        var map = try readMapHeader("")
        var metadata = Metadata.empty
        while let key = try nextKey(&map, "") {
            guard key == metadataKey else { throw unknownKey(map) }
            metadata = try readNonEmptyMetadata("metadata")
        }
        return metadata
    }

    /// Reads an order that is a metadata key and nothing else.
    mutating func readKeyOrder() throws(CBORError) -> Text {
        let start = offset
        var map = try readMapHeader("")
        var name: Text?
        while let key = try nextKey(&map, "") {
            guard key == 1 else { throw unknownKey(map) }
            name = try readText("key")
        }
        return try need(name, "key", at: start)
    }

    // MARK: - Parts

    /// Returns a value that must have been there.
    func need<Value>(
        _ value: Value?,
        _ field: String,
        at start: Int
    ) throws(CBORError) -> Value {
        guard let value else { throw error(.missingKey, field, at: start) }
        return value
    }

    /// Reads one or more postings.
    mutating func readPostings(_ field: String) throws(CBORError) -> [Posting] {
        let start = offset
        let count = try readArrayHeader(field)
        guard count > 0 else { throw error(.empty, field, at: start) }
        var postings: [Posting] = []
        postings.reserveCapacity(min(count, remaining / postingBytesMin))
        for position in 0..<count {
            do throws(CBORError) {
                postings.append(try readPosting())
            } catch {
                throw error.within("\(field)[\(position)]")
            }
        }
        return postings
    }

    private mutating func readPosting() throws(CBORError) -> Posting {
        try readArrayHeader(count: 4, "")
        return Posting(
            source: try readName("source", AccountAddress.init),
            destination: try readName("destination", AccountAddress.init),
            asset: try readName("asset", Asset.init),
            amount: try readAmount("amount")
        )
    }

    /// Reads metadata: pairs ascending by the bytes of their keys, perhaps none.
    mutating func readMetadata(_ field: String) throws(CBORError) -> Metadata {
        let start = offset
        let count = try readArrayHeader(field)
        var pairs: [Metadata.Pair] = []
        for _ in 0..<count {
            let start = offset
            try readArrayHeader(count: 2, field)
            let key = try readText(field)
            if let last = pairs.last, last.key >= key { throw error(.unsorted, field, at: start) }
            pairs.append(Metadata.Pair(key: key, value: try readText(field)))
        }
        guard let metadata = Metadata(unsorted: pairs) else {
            throw error(.unsorted, field, at: start)
        }
        return metadata
    }

    /// Reads metadata whose absence would mean that there is none.
    mutating func readNonEmptyMetadata(_ field: String) throws(CBORError) -> Metadata {
        let start = offset
        let metadata = try readMetadata(field)
        guard !metadata.isEmpty else { throw error(.writtenDefault, field, at: start) }
        return metadata
    }

    /// Reads text that may not be empty.
    mutating func readNonEmptyText(_ field: String) throws(CBORError) -> Text {
        let start = offset
        let text = try readText(field)
        guard !text.utf8.isEmpty else { throw error(.empty, field, at: start) }
        return text
    }

    /// Reads a business time.
    mutating func readTime(_ field: String) throws(CBORError) -> BusinessTime {
        BusinessTime(microseconds: try readSigned(field))
    }

    /// Reads the number of a kind of book.
    mutating func readBookKind(_ field: String) throws(CBORError) -> BookKind {
        let start = offset
        let number = try readUnsigned(field)
        guard let raw = UInt8(exactly: number), let kind = BookKind(rawValue: raw) else {
            throw error(.unknownKind, field, at: start)
        }
        return kind
    }
}

/// The length of the shortest posting: 84 61 61 61 61 61 41 00.
private let postingBytesMin = 8
