// SPDX-License-Identifier: Apache-2.0
//
// Output for people and programs: results on standard output, faults on standard error in one line,
// progress only on a terminal. May import Foundation.

import Foundation
import Synchronization

/// Writes lines; nothing else in this executable prints.
enum Terminal {
    /// Writes a line to standard output, at once.
    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// Writes a line to standard error.
    static func warn(_ line: String) {
        FileHandle.standardError.write(Data(("tally: " + line + "\n").utf8))
    }

    /// True when standard error is a terminal: then progress is shown.
    static let isInteractive = isatty(STDERR_FILENO) == 1
}

/// A progress bar on a terminal, silence in a pipe.
final class ProgressBar: Sendable {
    private struct State {
        var shown = -1
    }

    private let label: String
    private let state = Mutex(State())

    init(_ label: String) {
        self.label = label
    }

    /// Shows how far the work is.
    func show(_ done: UInt64, of total: UInt64) {
        guard Terminal.isInteractive, total > 0 else { return }
        let percent = Int(min(100, done * 100 / total))
        let isNew = state.withLock { state in
            defer { state.shown = percent }
            return state.shown != percent
        }
        guard isNew else { return }
        let bar =
            String(repeating: "█", count: percent / 4)
            + String(repeating: "░", count: 25 - percent / 4)
        FileHandle.standardError.write(Data("\r\(label) \(bar) \(percent) %".utf8))
        if percent == 100 { FileHandle.standardError.write(Data("\n".utf8)) }
    }

    /// Leaves the line of the bar.
    func finish() {
        guard Terminal.isInteractive, state.withLock({ $0.shown }) >= 0 else { return }
        FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
    }
}
