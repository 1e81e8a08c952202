// SPDX-License-Identifier: Apache-2.0
//
// Which module may import which: the design's table of modules as data, and the rules that hold it.
// The package manager lets an undeclared import of a sibling pass, so this file is what enforces
// it.

/// The imports each module may have.
enum ImportTable {
    /// Modules without I/O, clock, randomness or Foundation: everything they do can be replayed.
    static let pure: Set<String> = [
        "TallyTypes", "TallyCodec", "TallyProof", "TallyKernel", "TallyChecker", "TallyNumscript",
        "TallyImport",
    ]

    /// Our own modules, each with those of ours it may import.
    static let own: [String: Set<String>] = [
        "TallyTypes": [],
        "TallyCodec": ["TallyTypes"],
        "TallyProof": ["TallyTypes", "TallyCodec"],
        "TallyNumscript": ["TallyTypes"],
        "TallyImport": ["TallyTypes"],
        "TallyKernel": ["TallyTypes", "TallyCodec", "TallyProof", "TallyNumscript"],
        "TallyChecker": ["TallyTypes", "TallyCodec", "TallyProof"],
        "TallyStore": ["TallyTypes", "TallyCodec", "TallyProof"],
        "TallyLog": ["TallyTypes", "TallyCodec"],
        "TallyViews": ["TallyTypes", "TallyCodec", "TallyProof"],
        "TallyHTTP": ["TallyTypes", "TallyCodec", "TallyViews"],
        "TallyPeers": ["TallyTypes", "TallyCodec"],
        "TallyNode": [
            "TallyTypes", "TallyCodec", "TallyProof", "TallyKernel", "TallyChecker",
            "TallyNumscript", "TallyImport", "TallyStore", "TallyLog", "TallyViews", "TallyHTTP",
            "TallyPeers",
        ],
        "TallyDrill": ["TallyTypes", "TallyCodec", "TallyChecker"],
        "TallySim": [
            "TallyTypes", "TallyCodec", "TallyProof", "TallyKernel", "TallyChecker",
            "TallyNumscript", "TallyImport", "TallyStore", "TallyLog",
        ],
        "tally": [
            "TallyTypes", "TallyCodec", "TallyNode", "TallyDrill", "TallyChecker", "TallySim",
            "TallyImport",
        ],
    ]

    private static let effects = Set(own.keys).subtracting(pure)

    /// Modules of others, each with those of ours that may import it; what is not here may not be
    /// used.
    static let foreign: [String: Set<String>] = [
        "Foundation": effects,
        "FoundationEssentials": effects,
        "Dispatch": effects,
        "Synchronization": effects,
        "Glibc": effects.subtracting(["TallyHTTP", "TallyPeers"]),
        "Logging": effects,
        "Metrics": effects,
        "CoreMetrics": effects,
        "ServiceLifecycle": ["TallyNode", "TallyHTTP", "TallyPeers", "TallyViews", "tally"],
        "UnixSignals": ["TallyNode", "tally"],
        "Configuration": ["TallyNode", "tally"],
        "ArgumentParser": ["tally"],
        "Hummingbird": ["TallyHTTP", "TallyNode"],
        "HummingbirdCore": ["TallyHTTP", "TallyNode"],
        "HTTPTypes": ["TallyHTTP", "TallyPeers", "TallyNode"],
        "NIOCore": ["TallyHTTP", "TallyPeers", "TallyNode", "tally"],
        "NIOPosix": ["TallyHTTP", "TallyPeers", "TallyNode", "tally"],
        "NIOHTTP1": ["TallyHTTP", "TallyPeers", "tally"],
        "AsyncHTTPClient": ["TallyPeers", "tally"],
        "Mustache": ["TallyHTTP"],
        "GRDB": ["TallyViews"],
        "GRDBSQLite": ["TallyViews"],
        "Yams": ["TallyNode", "tally"],
        "CRocksDB": ["TallyStore"],
        "CTally": effects.union(["TallyCodec", "TallyProof", "TallyKernel"]),
        "Crypto": effects.union(["TallyProof", "TallyKernel", "TallyChecker"]),
        "Collections": effects.union(["TallyKernel", "TallyChecker"]),
        "DequeModule": effects.union(["TallyKernel", "TallyChecker"]),
        "OrderedCollections": effects.union(["TallyKernel", "TallyChecker"]),
        "HeapModule": effects.union(["TallyKernel", "TallyChecker"]),
    ]

    static let rules: [Rule] = [importTableRule, testImportRule]

    private static let importTableRule = Rule.eachFile(
        "import-table",
        where: { $0.isSource && $0.isSwift },
        bad: [
            Tree("Sources/TallyKernel/A.swift", "import Foundation"),
            Tree("Sources/TallyImport/A.swift", "package import TallyCodec"),
            Tree("Sources/TallyChecker/A.swift", "import TallyKernel"),
            Tree("Sources/TallyStore/A.swift", "internal import struct GRDB.Row"),
            Tree("Sources/TallyNode/A.swift", "import NewPackage"),
            Tree("Sources/Newcomer/A.swift", "let a = 1"),
            Tree("Sources/TallyNode/A.swift", "@_exported import TallyTypes"),
            Tree("Sources/TallyNode/A.swift", "@testable import TallyTypes"),
        ],
        good: [
            Tree(
                "Sources/TallyKernel/A.swift",
                "package import TallyTypes // not import Foundation"
            ),
            Tree("Sources/TallyStore/A.swift", "import struct Foundation.URL\nimport CRocksDB"),
        ]
    ) { file in
        guard let module = file.module, let allowed = own[module] else {
            return [
                Finding(file.path, 1, "module is not in the table of TidyTests/ImportTable.swift")
            ]
        }
        return file.imports.compactMap { name, attribute, line in
            if let attribute {
                return Finding(file.path, line, "@\(attribute): import what you use, by name")
            }
            if name == "Swift" || allowed.contains(name) { return nil }
            if let users = foreign[name], users.contains(module) { return nil }
            return Finding(file.path, line, "\(module) may not import \(name)")
        }
    }

    private static let testImportRule = Rule.eachFile(
        "test-imports",
        where: { $0.isTest && $0.isSwift },
        bad: [
            Tree("Tests/ATests/A.swift", "@testable import TallyKernel"),
            Tree("Tests/ATests/A.swift", "import XCTest"),
        ],
        good: [
            Tree("Tests/ATests/A.swift", "import Testing\nimport TallyKernel\nimport Foundation")
        ]
    ) { file in
        file.imports.compactMap { name, attribute, line in
            if attribute != nil {
                return Finding(file.path, line, "test what the package offers, not its insides")
            }
            return name == "XCTest" ? Finding(file.path, line, "use Swift Testing") : nil
        }
    }
}

extension TreeFile {
    /// Each import: the module, the attribute that is not welcome, the line.
    var imports: [(name: String, attribute: String?, line: Int)] {
        let kinds: Set<String> = [
            "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
        ]
        var found: [(name: String, attribute: String?, line: Int)] = []
        for index in tokens.indices where tokens[index].text == "import" {
            guard tokens[index].kind == .word, token(index - 1) != "." else { continue }
            let name = kinds.contains(token(index + 1)) ? token(index + 2) : token(index + 1)
            let before = token(index - 1)
            let isAttribute = token(index - 2) == "@"
            let attribute =
                isAttribute && ["testable", "_exported"].contains(before) ? before : nil
            found.append((name, attribute, tokens[index].line))
        }
        return found
    }
}
