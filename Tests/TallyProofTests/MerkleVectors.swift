// SPDX-License-Identifier: Apache-2.0
//
// The tree vectors of Tests/Vectors/evidence: merkle.json and, cut off it because of its size,
// merkle-consistency.json. Written for this project by programs of their own from the definitions
// of RFC 9162, checked by two more. Called by the tests of this folder only.

import Foundation
import TallyTypes
import TestSupport

/// Roots, inclusion paths and the public test leaves.
struct MerkleVectors: Decodable {
    struct Root: Decodable {
        let size: Int
        let root: String
    }

    struct Known: Decodable {
        let leavesHex: [String]
        let roots: [String]
    }

    struct Unbound: Decodable {
        let index: UInt64
        let leafHash: String
        let path: [String]
        let root: String
        let sizesThatVerify: [UInt64]
    }

    let emptyRoot: String
    let leafHashesFirst17: [String]
    let ctKnown: Known
    let roots: [Root]
    let inclusion: [InclusionCase]
    let inclusionRefuse: [InclusionCase]
    let noteSizeNotBound: Unbound

    static func load() throws -> MerkleVectors {
        try decode(MerkleVectors.self, from: "evidence/merkle.json")
    }
}

/// Consistency paths.
struct ConsistencyVectors: Decodable {
    let consistency: [ConsistencyCase]
    let consistencyRefuse: [ConsistencyCase]

    static func load() throws -> ConsistencyVectors {
        try decode(ConsistencyVectors.self, from: "evidence/merkle-consistency.json")
    }
}

struct InclusionCase: Decodable {
    let why: String?
    let index: UInt64
    let size: UInt64
    let leafHash: String
    let path: [String]
    let root: String
}

struct ConsistencyCase: Decodable {
    let why: String?
    let oldSize: UInt64
    let newSize: UInt64
    let oldRoot: String
    let newRoot: String
    let path: [String]
}

/// The bytes of lower-case hexadecimal digits; nil for anything else.
func bytes(hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for position in stride(from: 0, to: digits.count, by: 2) {
        guard
            let byte = UInt8(
                String(decoding: digits[position..<position + 2], as: UTF8.self),
                radix: 16
            )
        else { return nil }
        bytes.append(byte)
    }
    return bytes
}

/// The digest in hexadecimal digits; nil when these are not thirty-two bytes.
func digest(hex: String) -> Digest? {
    bytes(hex: hex).flatMap { Digest($0) }
}

/// A whole path; nil when an element is not thirty-two bytes.
func digests(hex path: [String]) -> [Digest]? {
    let digests = path.compactMap(digest(hex:))
    return digests.count == path.count ? digests : nil
}

/// Reads a file of vectors.
func decode<T: Decodable>(_ type: T.Type, from path: String) throws -> T {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(Vectors.bytes(of: path)))
}
