// SPDX-License-Identifier: Apache-2.0
//
// The seam to the replicated log: entries are proposed, become committed at an index, are read from
// an index and released below one. Imports TallyTypes. The node's log thread calls it;
// `EmbeddedLog` is the conformer for one node, a cluster's comes behind the same seam and the same
// kit (TallySim/LogConformance.swift).

package import TallyTypes

/// One committed entry.
package struct LogEntry: Hashable, Sendable {
    /// Its position.
    package let index: LogIndex
    /// Its bytes, as they were proposed.
    package let bytes: [UInt8]

    /// Makes an entry.
    package init(index: LogIndex, bytes: [UInt8]) {
        self.index = index
        self.bytes = bytes
    }
}

/// Who may propose.
package enum Leadership: Hashable, Sendable {
    /// This node.
    case here
    /// Another node, by its name.
    case elsewhere(Text)
    /// Nobody at the moment.
    case none
}

/// Reads committed entries one after the other.
package protocol LogCursor: AnyObject {
    /// Returns the next entry, or nil behind the last one that was committed when the cursor was
    /// made.
    ///
    /// - Throws: ``LogFault`` when an entry is no longer what was written.
    func next() throws(LogFault) -> LogEntry?
}

/// An ordered, durable sequence of entries, called from one thread.
package protocol ReplicatedLog: AnyObject {
    /// The index of the last entry proposed, committed or not.
    var last: LogIndex { get }
    /// The index up to which every entry is durable and its place is final.
    var committed: LogIndex { get }
    /// Who may propose.
    var leadership: Leadership { get }

    /// Proposes an entry; it is not durable before ``commit()`` has returned its index or a later
    /// one.
    ///
    /// - Parameter entry: 1 byte to ``Limits/entryBytesMax``.
    /// - Returns: The index at which the entry will be committed.
    /// - Throws: ``LogFault``; `tooLarge` leaves the log as it was, any other stops the node.
    func propose(_ entry: Span<UInt8>) throws(LogFault) -> LogIndex

    /// Waits until every entry proposed so far is committed.
    ///
    /// - Returns: ``committed``.
    /// - Throws: ``LogFault``; the node stops, the call is never repeated.
    func commit() throws(LogFault) -> LogIndex

    /// Returns a cursor that starts at an index and ends at ``committed``.
    ///
    /// - Throws: ``LogFault``; `released` when the entry is no longer in the log.
    func cursor(from index: LogIndex) throws(LogFault) -> any LogCursor

    /// Lets go of the space of entries below an index; those that share a segment with others may
    /// stay.
    ///
    /// - Throws: ``LogFault``.
    func release(below index: LogIndex) throws(LogFault)
}
