// SPDX-License-Identifier: Apache-2.0
//
// Reads the canonical bytes of orders about the signed log: keys, seals, successors; the layout is
// in OrderCodec.swift. Imports the data types only; called by OrderCodec+Decoding.swift.

import TallyTypes

extension CBORReader {
    /// Reads `log.key`.
    mutating func readLogKeyChange() throws(CBORError) -> LogKeyChange {
        let start = offset
        var map = try readMapHeader("")
        var action: LogKeyAction?
        var publicKey: Digest?
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: action = try readLogKeyAction("action")
            case 1: publicKey = try readDigest("publicKey")
            default: throw unknownKey(map)
            }
        }
        return LogKeyChange(
            action: try need(action, "action", at: start),
            publicKey: try need(publicKey, "publicKey", at: start)
        )
    }

    private mutating func readLogKeyAction(_ field: String) throws(CBORError) -> LogKeyAction {
        let start = offset
        let number = try readUnsigned(field)
        guard let raw = UInt8(exactly: number), let action = LogKeyAction(rawValue: raw) else {
            throw error(.unknownKind, field, at: start)
        }
        return action
    }

    /// Reads `log.seal`.
    mutating func readLogSeal() throws(CBORError) -> LogSeal {
        let start = offset
        var map = try readMapHeader("")
        var size: UInt64?
        var stateDigest: Digest?
        var balances: SealedRows?
        var heads: SealedRows?
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: size = try readUnsigned63("size")
            case 1: stateDigest = try readDigest("stateDigest")
            case 2: balances = try readSealedRows("balances")
            case 3: heads = try readSealedRows("heads")
            default: throw unknownKey(map)
            }
        }
        return LogSeal(
            size: try need(size, "size", at: start),
            stateDigest: try need(stateDigest, "stateDigest", at: start),
            balances: try need(balances, "balances", at: start),
            heads: try need(heads, "heads", at: start)
        )
    }

    private mutating func readSealedRows(_ field: String) throws(CBORError) -> SealedRows {
        try readArrayHeader(count: 2, field)
        return SealedRows(count: try readUnsigned63(field), root: try readDigest(field))
    }

    /// Reads `log.successor`.
    mutating func readLogSuccession() throws(CBORError) -> LogSuccession {
        let start = offset
        var map = try readMapHeader("")
        var origin: Text?
        var lastSize: UInt64?
        var lastRoot: Digest?
        var lastNote: Text?
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: origin = try readText("origin")
            case 1: lastSize = try readUnsigned63("lastSize")
            case 2: lastRoot = try readDigest("lastRoot")
            case 3: lastNote = try readNonEmptyText("lastNote")
            default: throw unknownKey(map)
            }
        }
        return LogSuccession(
            origin: try need(origin, "origin", at: start),
            lastSize: try need(lastSize, "lastSize", at: start),
            lastRoot: try need(lastRoot, "lastRoot", at: start),
            lastNote: lastNote
        )
    }
}
