// SPDX-License-Identifier: Apache-2.0
//
// The transfers of a binary batch, as places in the bytes that the client sent: read once, at the
// edge, and never again. Standard library only. Made by `BatchBody` in TallyCodec, which checks
// everything; the kernel's admission relies on it.

/// A checked batch body: places in its bytes.
public struct TransferBatch: Hashable, Sendable {
    /// Bytes of one transfer: source u16, destination u16, asset u16, zero u16, amount u128.
    public static let transferBytes = 24

    /// One transfer, by positions in the tables of its batch.
    public struct Item: Hashable, Sendable {
        /// The account that gives.
        public let source: Int
        /// The account that receives.
        public let destination: Int
        /// The asset.
        public let asset: Int
        /// How much moves.
        public let amount: UInt128

        /// Makes an item.
        @inlinable
        public init(source: Int, destination: Int, asset: Int, amount: UInt128) {
            self.source = source
            self.destination = destination
            self.asset = asset
            self.amount = amount
        }

        /// Reads twenty-four bytes, little-endian.
        @inlinable
        @inline(__always)
        public init(at bytes: UnsafeRawPointer) {
            source = Int(
                UInt16(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self))
            )
            destination = Int(
                UInt16(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            )
            asset = Int(
                UInt16(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
            )
            amount = UInt128(
                littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt128.self)
            )
        }
    }

    /// The body as received.
    public let bytes: [UInt8]
    /// True when sources may go below zero.
    public let isForced: Bool
    /// Where each asset stands, ascending by its bytes.
    public let assets: [Range<Int>]
    /// Where each account stands, ascending by its bytes.
    public let accounts: [Range<Int>]
    /// Where the transfers begin; they reach to the end.
    public let start: Int
    /// The number of transfers.
    public let count: Int

    /// Takes what a reader has checked: all places are in the bytes, all positions in the tables.
    public init(
        checked bytes: [UInt8],
        isForced: Bool,
        assets: [Range<Int>],
        accounts: [Range<Int>],
        start: Int,
        count: Int
    ) {
        self.bytes = bytes
        self.isForced = isForced
        self.assets = assets
        self.accounts = accounts
        self.start = start
        self.count = count
    }

    /// All transfers, in order.
    public var items: [Item] {
        unsafe bytes.withUnsafeBytes { bytes in
            (0..<count).map { position in
                let offset = start + position * TransferBatch.transferBytes
                let item = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
                guard item.count >= TransferBatch.transferBytes, let base = item.baseAddress else {
                    invariantFailure(.i11, "a batch of \(count) transfers ends at \(position)")
                }
                return unsafe Item(at: base)
            }
        }
    }
}
