// SPDX-License-Identifier: Apache-2.0
//
// The fault-disk run: the power goes at every change of the disk while a ledger is made,
// written, flushed, stopped and started, and what is left is started again. Called by `swift
// test`.

import TallyLog
import TallyNode
import TallySim
import TallyStore
import TallyTypes
import Testing

/// The disk's fault behind a fault of the node's files; nil for any other error.
func diskFault(_ error: any Error) -> DiskFault? {
    switch error {
    case let fault as StoreFault: fault.cause
    case let fault as LogFault: fault.cause
    case let fault as DiskFault: fault
    default: nil
    }
}

@Suite("a crash at every change of the disk")
struct CrashTests {
    private static let losses: [CrashLoss] = [
        .nothing, .everything, .random(seed: 1), .random(seed: 2),
    ]

    /// Runs the history from an empty disk until the power goes.
    private func crash(
        at point: CrashPoint,
        _ mutant: WriterMutant? = nil
    ) throws -> (disk: FaultDisk, Progress) {
        let disk = FaultDisk(plan: FaultPlan(crash: point))
        let progress = Progress()
        do {
            try CrashHistory.run(try CrashNode(disk, progress, mutant: mutant))
        } catch {
            guard diskFault(error)?.code == .crashed else { throw error }
        }
        return (disk, progress)
    }

    @Test(
        "what is found holds every acknowledged record, and leads to the same end",
        arguments: losses
    )
    func everyChange(loss: CrashLoss) throws {
        let twin = try CrashHistory.twin()
        var cases: [Phase: Int] = [:]
        for change in 1...twin.changes {
            let (disk, progress) = try crash(at: .change(change))
            #expect(disk.hasCrashed, "change \(change)")
            try twin.judge(
                disk.afterCrash(loss),
                holds: progress.acknowledged,
                "change \(change), \(loss)"
            )
            cases[progress.phase, default: 0] += 1
        }
        print("crash at \(twin.changes) changes, \(loss): \(cases)")
        for phase in [Phase.create, .entry, .flush, .rotate, .stop] {
            #expect(cases[phase, default: 0] > 0, "no crash in phase \(phase)")
        }
    }

    @Test("any part of what was not synced may be left", arguments: [3, 4] as [UInt64])
    func everyChangeSampled(seed: UInt64) throws {
        let twin = try CrashHistory.twin()
        for change in stride(from: Int(seed), through: twin.changes, by: 3) {
            let (disk, progress) = try crash(at: .change(change))
            let node = try CrashNode(disk.afterCrash(.random(seed: seed << 32 | UInt64(change))))
            try twin.check(
                node,
                holds: progress.acknowledged,
                "change \(change), seed \(seed)"
            )
        }
    }

    @Test("a crash at every change of the start-up after a crash")
    func everyChangeOfStartUp() throws {
        let twin = try CrashHistory.twin()
        var cases = 0
        for change in stride(from: 5, through: twin.changes, by: 13) {
            let (disk, progress) = try crash(at: .change(change))
            for loss in [CrashLoss.nothing, .random(seed: UInt64(change))] {
                let left = disk.afterCrash(loss)
                let label = "change \(change), \(loss)"
                cases += try crashInStartUp(left, twin, progress.acknowledged, label)
            }
        }
        print("crash in start-up: \(cases) cases")
        #expect(cases > 100)
    }

    private func crashInStartUp(
        _ left: FaultDisk,
        _ twin: Twin,
        _ acknowledged: LedgerHead?,
        _ label: String
    ) throws -> Int {
        for change in 1... {
            let disk = left.afterCrash(.nothing, plan: FaultPlan(crash: .change(change)))
            do {
                _ = try CrashNode(disk)
            } catch {
                guard diskFault(error)?.code == .crashed else { throw error }
            }
            guard disk.hasCrashed else { return change - 1 }
            let label = "\(label), then \(change) of start-up"
            for loss in [CrashLoss.everything, .random(seed: UInt64(change))] {
                let found = disk.afterCrash(loss)
                try twin.check(try CrashNode(found), holds: acknowledged, label)
            }
            if change % 8 == 0 {
                try twin.judge(disk.afterCrash(.nothing), holds: acknowledged, label)
            }
        }
        return 0
    }

    @Test("the end of a process, then the loss of power after the next start")
    func exitThenPowerLoss() throws {
        let twin = try CrashHistory.twin()
        for change in stride(from: 2, through: twin.changes, by: 3) {
            let (disk, progress) = try crash(at: .change(change))
            let left = disk.afterExit()
            let node = try CrashNode(left)
            let label = "change \(change), exit"
            try twin.check(node, holds: progress.acknowledged, label)
            // What start-up has handed on was durable.
            let again = try CrashNode(left.afterCrash(.everything))
            try twin.check(again, holds: node.head, label + ", power lost")
        }
    }

    @Test("a broken order of writes is found", arguments: WriterMutant.allCases)
    func mutants(mutant: WriterMutant) throws {
        let twin = try CrashHistory.twin()
        var found: [String] = []
        for change in 1...twin.changes {
            let (disk, progress) = try crash(at: .change(change), mutant)
            do {
                let node = try CrashNode(disk.afterCrash(.everything))
                try twin.check(node, holds: progress.acknowledged, "change \(change)")
            } catch {
                found.append("\(error)")
            }
        }
        print("\(mutant): \(found.count) of \(twin.changes) crashes, \(found.first ?? "none")")
        #expect(!found.isEmpty)
    }
}
