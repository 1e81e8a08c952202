// SPDX-License-Identifier: Apache-2.0
//
// `tally keys`: the public keys of a ledger, to be handed to those who verify, and what an operator
// does with the secret ones. Changes start the node in this process, without a server, so that each
// stands in the ledger.

import ArgumentParser
import TallyNode

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The keys of a ledger.",
        discussion: """
            Example:
              tally keys show --data ./ledger > ledger.vkeys
            """,
        subcommands: [Show.self, Rotate.self, Retire.self, Encrypt.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public keys, one a line, as verifiers take them.",
            discussion: """
                Reads the data directory; no node needs to run or to stop for it.
                Example:
                  tally keys show --data ./ledger
                """
        )

        @Option(help: ArgumentHelp("Data directory.", valueName: "dir"))
        var data = "tally-data"

        func run() throws {
            let keys: [String]
            do {
                keys = try LogKeys.verifierKeys(of: data)
            } catch {
                throw Failure("\(error)")
            }
            for key in keys { Terminal.say(key) }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Introduce another key; both sign until the older one is retired.",
            discussion: """
                Stop the node first. The new key is recorded (log.key), then signs beside the old
                one. Hand its public half to verifiers, then retire the old one. May be repeated
                after a crash.
                Example:
                  tally keys rotate --data ./ledger
                """
        )

        @OptionGroup var ledger: ExistingLedger

        func run() async throws {
            let result = try await ledger.change { try await $0.introduceKey() }
            Terminal.say("\(result.verifierKey) signs from record \(result.record) on")
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Retire a key; the others go on. What it signed stays verifiable.",
            discussion: """
                Stop the node first. The end of the key is recorded (log.key), then its secret is
                removed from the key file. The eight digits are those between the plus signs of
                `tally keys show`.
                Example:
                  tally keys retire 1a2b3c4d --data ./ledger
                """
        )

        @Argument(help: ArgumentHelp("The id of the key, eight hexadecimal digits."))
        var id: String

        @OptionGroup var ledger: ExistingLedger

        func run() async throws {
            let id = id
            let result = try await ledger.change { try await $0.retireKey(id) }
            Terminal.say("\(result.verifierKey) signs no more, recorded at \(result.record)")
        }
    }

    struct Encrypt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the key file again under the passphrase that is given.",
            discussion: """
                Stop the node first; later starts need the passphrase. Copies of the file that were
                made before stay as they are.
                Example:
                  tally keys encrypt --data ./ledger --passphrase-file ./passphrase
                """
        )

        @OptionGroup var ledger: ExistingLedger

        func run() async throws {
            guard try ledger.secret.passphrase() != nil else {
                throw Failure("no passphrase; name its file with --passphrase-file")
            }
            try await ledger.change { try $0.rewriteKeys() }
            Terminal.say("the key file is encrypted")
        }
    }
}

/// How an encrypted key file is decrypted.
struct SecretOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File with the passphrase of the key file; else TALLY_KEY_PASSPHRASE, else none.",
            valueName: "file"
        )
    )
    var passphraseFile: String?

    /// The passphrase; nil when none is given.
    func passphrase() throws -> String? {
        do {
            return try LogKeys.passphrase(file: passphraseFile)
        } catch {
            throw Failure("\(error)")
        }
    }
}

/// A ledger that is there, for a command that starts it without a server.
struct ExistingLedger: ParsableArguments {
    @Option(help: ArgumentHelp("Data directory.", valueName: "dir"))
    var data = "tally-data"

    @Option(help: ArgumentHelp("Folder of the signing key and its guard.", valueName: "dir"))
    var keys: String?

    @OptionGroup var secret: SecretOptions

    /// Starts the node, lets it change something, and stops it.
    func change<Result: Sendable>(
        _ body: (Node) async throws -> Result
    ) async throws -> Result {
        do {
            try LogKeys.requireLedger(data)
        } catch {
            throw Failure("\(error)")
        }
        let node = try await startNode(
            NodeConfiguration(directory: data, keys: keys, passphrase: try secret.passphrase())
        )
        do {
            let result = try await body(node)
            try await node.stop()
            return result
        } catch {
            try await node.stop()
            throw Failure("\(error)")
        }
    }
}
