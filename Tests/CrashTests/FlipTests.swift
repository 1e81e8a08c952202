// SPDX-License-Identifier: Apache-2.0
//
// One byte changed anywhere after a clean stop: `tally verify` has to name it. Positions are seeded
// and spread over the kinds of files, used and unused parts apart. TALLY_FLIPS says how many.

import Foundation
import TestSupport
import Testing

/// A part of the data directory whose bytes carry the same kind of meaning.
private struct Region: Sendable {
    let kind: String
    /// Relative to the data directory.
    let file: String
    let bytes: Range<Int>
    /// What the finding has to say, one of these.
    let names: [String]
    /// How often a flip falls here, beside the other regions.
    let share: Int
}

/// Finds the regions of a cleanly stopped data directory.
private struct Regions {
    let all: [Region]

    init(_ directory: String) throws {
        var regions: [Region] = []
        for file in try Regions.files(directory) {
            let size = try Regions.size(directory + "/" + file)
            guard size > 0 else { continue }
            let folder = file.split(separator: "/").first.map(String.init) ?? file
            switch folder {
            case "views", "LOCK": continue
            case "records", "log":
                let used = try Regions.used(directory + "/" + file)
                let kind =
                    ["positions", "blobs", "tiles"].first { file.contains("/\($0)/") }
                    .map { "records/" + $0 } ?? file
                let isMain = kind == "records/entries" || file.hasSuffix(".segment")
                if used > 0 {
                    regions.append(
                        Region(
                            kind: "\(kind), used",
                            file: file,
                            bytes: 0..<used,
                            names: [file],
                            share: isMain ? 18 : 5
                        )
                    )
                }
                if used < size {
                    regions.append(
                        Region(
                            kind: "\(kind), unused",
                            file: file,
                            bytes: used..<size,
                            names: [file],
                            share: 4
                        )
                    )
                }
            case "sums":
                regions.append(
                    Region(
                        kind: "sums",
                        file: file,
                        bytes: 0..<size,
                        names: ["sums", "state/"],
                        share: 6
                    )
                )
            default:
                regions.append(
                    Region(
                        kind: folder,
                        file: file,
                        bytes: 0..<size,
                        names: [file],
                        share: 6
                    )
                )
            }
        }
        all = regions
    }

    private init(_ all: [Region]) { self.all = all }

    /// The regions of some kinds.
    func only(_ picks: (String) -> Bool) -> Regions { Regions(all.filter { picks($0.kind) }) }

    /// Every file but those that docs/formats/store.md says carry nothing.
    private static func files(_ directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).sorted().filter { name in
            var isFolder: ObjCBool = false
            let path = directory + "/" + name
            let exists = unsafe FileManager.default.fileExists(
                atPath: path,
                isDirectory: &isFolder
            )
            return exists && !isFolder.boolValue && name != "state/LOCK" && name != "state/LOG"
                && !name.hasPrefix("state/LOG.old.")
        }
    }

    private static func size(_ path: String) throws -> Int {
        Int(try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).seekToEnd())
    }

    /// The offset behind the last byte that is not zero.
    private static func used(_ path: String) throws -> Int {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        return bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    }

    /// A seeded region, by shares.
    func pick(_ random: inout SeededRandom) -> Region {
        var left = random.below(all.reduce(0) { $0 + $1.share })
        for region in all {
            left -= region.share
            if left < 0 { return region }
        }
        return all[all.count - 1]
    }
}

/// What `tally verify` said.
private struct Verdict {
    let exitCode: Int32
    let lines: [String]
}

@Suite("one changed byte")
struct FlipTests {
    /// Verifies with the binary: in CI it is the release build, ten times faster than this test.
    private static func verify(_ directory: String) async throws -> Verdict {
        let outcome = try await TallyProcess.run(["verify", directory])
        #expect(outcome.errors == "")
        return Verdict(
            exitCode: outcome.status,
            lines: outcome.output.split(separator: "\n").map(String.init)
        )
    }

    @Test("every byte that carries meaning is checked, and verify changes none")
    func flips() async throws {
        let count = environmentNumber("TALLY_FLIPS", default: 40)
        var random = SeededRandom(seed: 500)
        let folder = try TemporaryDirectory("flips")
        let directory = folder.file("ledger").path
        try await SmallLedger.make(directory)
        let clean = try Manifest(directory)
        let report = try await FlipTests.verify(directory)
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(
            report.lines.dropFirst().allSatisfy {
                $0.hasPrefix("note: state digest ") || $0.hasPrefix("note: checkpoint of ")
            },
            "\(report.lines)"
        )
        #expect(try Manifest(directory).changes(since: clean) == [])
        let regions = try Regions(directory)
        var fallen: [String: Int] = [:]
        let begun = ContinuousClock.now
        for _ in 0..<count {
            let region = regions.pick(&random)
            fallen[region.kind, default: 0] += 1
            let offset = region.bytes.lowerBound + random.below(region.bytes.count)
            let mask = UInt8(1 << random.below(8))
            try await flip(region, offset, mask, directory)
        }
        #expect(try await FlipTests.verify(directory).exitCode == 0, "a byte was not put back")
        print("\(count) flips, seed \(random.seed), \(ContinuousClock.now - begun):")
        for (kind, count) in fallen.sorted(by: { $0.key < $1.key }) { print("  \(count) \(kind)") }
    }

    @Test("after a kill -9 records and log are checked as well")
    func flipsAfterKill() async throws {
        let count = max(20, environmentNumber("TALLY_FLIPS", default: 40) / 10)
        var random = SeededRandom(seed: 501)
        let folder = try TemporaryDirectory("flips")
        let directory = folder.file("ledger").path
        try await SmallLedger.make(directory, isKilled: true)
        let report = try await FlipTests.verify(directory)
        #expect([0, 2].contains(report.exitCode), "\(report.lines)")
        #expect(report.lines.contains { $0.contains("the last stop was not clean") })
        let regions = try Regions(directory).only { kind in
            kind.hasSuffix(", used") && (kind.hasPrefix("records/") || kind.hasPrefix("log/"))
        }
        #expect(regions.all.count >= 4, "\(regions.all.map(\.kind))")
        for _ in 0..<count {
            let region = regions.pick(&random)
            let offset = region.bytes.lowerBound + random.below(region.bytes.count)
            try await flip(region, offset, UInt8(1 << random.below(8)), directory)
        }
    }

    private func flip(
        _ region: Region,
        _ offset: Int,
        _ mask: UInt8,
        _ directory: String
    ) async throws {
        let byte = ByteOfFile(path: directory + "/" + region.file, offset: offset)
        try await byte.flipped(by: mask) {
            let before = try Manifest(directory)
            let report = try await FlipTests.verify(directory)
            let changes = try Manifest(directory).changes(since: before)
            let place = "\(region.file) @ \(offset) ^ \(mask)"
            #expect(changes == [], "\(place): verify changed something")
            #expect(report.exitCode == 1, "\(place): \(report.lines)")
            let said = report.lines.dropFirst().filter { line in
                region.names.contains { line.contains($0) }
            }
            #expect(!said.isEmpty, "\(place): the file is not named: \(report.lines)")
            if region.file == "records/entries" {
                #expect(
                    said.contains { $0.contains("record ") || $0.contains("offset ") },
                    "\(place): no record and no offset: \(report.lines)"
                )
            }
        }
    }

    @Test("a clean stop leaves no spare half zeroed, and verify would name one")
    func halfZeroed() async throws {
        let folder = try TemporaryDirectory("filling")
        let directory = folder.file("ledger").path
        try await SmallLedger.make(directory)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory + "/log")
        #expect(names.filter { $0.hasSuffix(".filling") } == [])
        let spare = try #require(names.first { $0.hasSuffix(".spare") })
        let filling = spare.replacingOccurrences(of: ".spare", with: ".filling")
        try FileManager.default.moveItem(
            atPath: directory + "/log/" + spare,
            toPath: directory + "/log/" + filling
        )
        let report = try await FlipTests.verify(directory)
        #expect(report.exitCode == 1)
        #expect(report.lines.contains { $0.contains("log/" + filling) }, "\(report.lines)")
        try FileManager.default.removeItem(atPath: directory + "/sums")
        let crashed = try await FlipTests.verify(directory)
        #expect(crashed.exitCode == 0)
        #expect(crashed.lines.contains { $0.contains("carries nothing") }, "\(crashed.lines)")
    }

    /// A text may also stand in a page's free space, which carries nothing: one place at least has
    /// to be found.
    @Test("a changed row of a view is found")
    func views() async throws {
        let folder = try TemporaryDirectory("views")
        let directory = folder.file("ledger").path
        try await SmallLedger.make(directory)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory + "/views")
        for text in SmallLedger.viewTexts {
            var found = 0
            for name in names.sorted() {
                let path = directory + "/views/" + name
                for place in try FlipTests.places(of: text, in: path) {
                    try await ByteOfFile(path: path, offset: place).flipped(by: 1) {
                        let report = try await FlipTests.verify(directory)
                        let said = report.lines.filter { $0.contains("views/" + name) }
                        if report.exitCode == 1, !said.isEmpty { found += 1 }
                    }
                }
            }
            #expect(found > 0, "\(text): no change of it was found")
        }
    }

    /// The offset of the last byte of every occurrence.
    private static func places(of text: String, in path: String) throws -> [Int] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var places: [Int] = []
        var rest = bytes.startIndex..<bytes.endIndex
        while let place = bytes.range(of: Data(text.utf8), in: rest) {
            places.append(place.upperBound - 1)
            rest = place.upperBound..<bytes.endIndex
        }
        return places
    }
}
