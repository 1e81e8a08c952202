// SPDX-License-Identifier: Apache-2.0
//
// `tally receipt get` asks a server for a receipt and waits until a checkpoint covers the record.
// `tally receipt verify` checks one with a public key and nothing else: no ledger, no network; exit
// code 0 verified, 1 refuted, 2 not verified.

import ArgumentParser
import Foundation
import TallyNode

struct Receipts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Receipts of records.",
        discussion: """
            Example:
              tally receipt get --url http://127.0.0.1:3068 7 --out receipt.json
              tally receipt verify receipt.json --key ledger.vkeys
            """,
        subcommands: [Get.self, Verify.self]
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case json
        case tlogProof = "tlog-proof"
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Get the receipt of a record from a server.",
            discussion: """
                Waits up to a minute for a checkpoint that covers the record. The receipt proves
                nothing before it is verified with a key that came another way.
                Example:
                  tally receipt get --url http://127.0.0.1:3068 7 --out receipt.json
                """
        )

        @Argument(help: "The index of the record, as Tally-Record says.")
        var index: UInt64

        @Option(help: ArgumentHelp("The server, or the prefix of its log.", valueName: "url"))
        var url: String

        @Option(help: ArgumentHelp("Where to write it; else it is printed.", valueName: "file"))
        var out: String?

        @Option(help: "json, or tlog-proof as other programs read it.")
        var format = Format.json

        func run() async throws {
            let log = RemoteLog(url: url)
            let receipt: Result<[UInt8], any Error>
            do {
                receipt = .success(try await log.receipt(index, format: format.rawValue))
            } catch {
                receipt = .failure(error)
            }
            try await log.close()
            let bytes = try receipt.get()
            guard let out else {
                FileHandle.standardOutput.write(Data(bytes))
                return
            }
            do {
                try Data(bytes).write(to: URL(fileURLWithPath: out), options: .atomic)
            } catch {
                throw Failure("\(out): cannot be written: \(error.localizedDescription)")
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a receipt with the log's public keys.",
            discussion: """
                Exit code 0: the record is in the log that one of the keys signed. 1: it is not, and
                the check that said no is named. 2: not verified, no key was given.
                With --witness, as many of these witnesses as --quorum says must have cosigned.
                Example:
                  tally receipt get --url http://127.0.0.1:3068 7 --out receipt.json
                  tally receipt verify receipt.json --key ledger.vkeys
                  tally receipt verify receipt.json --key ledger.vkeys \\
                    --witness witnesses.vkeys --quorum 2
                """
        )

        @Argument(help: "The receipt, in its JSON form.")
        var file: String

        @Option(help: ArgumentHelp("File of public keys, one a line.", valueName: "file"))
        var key: String?

        @Option(
            help: ArgumentHelp(
                "File of public keys of witnesses, one a line; repeatable.",
                valueName: "file"
            )
        )
        var witness: [String] = []

        @Option(
            help: ArgumentHelp("How many of them must have cosigned; else all.", valueName: "k")
        )
        var quorum: Int?

        func validate() throws {
            if let quorum, quorum < 1 || witness.isEmpty {
                throw ValidationError("--quorum is 1 or more, of the witnesses of --witness")
            }
        }

        func run() throws {
            let witnesses = try witness.flatMap(Receipts.lines)
            try Receipts.verify(
                file,
                key: key,
                witnesses: witnesses,
                quorum: quorum ?? witnesses.count,  // all, as the help says
                json: false
            )
        }
    }

    /// True for a file that begins as a receipt in its JSON form does; no directory or URL.
    static func isReceipt(_ place: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: place) else { return false }
        do {
            let target = URL(fileURLWithPath: place).resolvingSymlinksInPath()
            let found = try FileManager.default.attributesOfItem(atPath: target.path)
            guard found[.type] as? FileAttributeType == .typeRegular else { return false }
            let file = try FileHandle(forReadingFrom: target)
            let first = try file.read(upToCount: 64) ?? Data()  // nil at the end of an empty file
            return first.first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
        } catch {
            throw Failure("\(place): cannot be read: \(error.localizedDescription)")
        }
    }

    /// Checks a receipt, says what became of it, and ends with its exit code.
    static func verify(
        _ file: String,
        key: String?,
        witnesses: [String] = [],
        quorum: Int = 0,
        json: Bool
    ) throws {
        let receipt = try contents(of: file)
        var outcome = ReceiptVerification.withoutKey
        if let key {
            outcome = ReceiptVerification.run(
                receipt,
                keys: try lines(of: key),
                witnesses: witnesses,
                quorum: quorum
            )
        }
        Terminal.say(json ? String(decoding: outcome.json, as: UTF8.self) : outcome.line)
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }

    /// The lines of a file of public keys, empty ones left out.
    static func lines(of path: String) throws -> [String] {
        String(decoding: try contents(of: path), as: UTF8.self)
            .split(whereSeparator: \.isNewline).map(String.init)
    }

    static func contents(of path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw Failure("\(path): cannot be read: \(error.localizedDescription)")
        }
    }
}
