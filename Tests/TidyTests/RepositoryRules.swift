// SPDX-License-Identifier: Apache-2.0
//
// What may be committed: small text files, with the right mode, that name no machine.

import Foundation

private let fileBytesMax = 256 * 1024
private let corpusFileBytesMax = 16 * 1024

/// Rules about files as such.
let repositoryRules: [Rule] = [
    Rule(
        "small-text-files",
        bad: [
            Tree("Tests/Vectors/a.json", String(repeating: "a", count: 256 * 1024 + 1)),
            Tree(files: [TreeFile(path: "docs/a.png", bytes: [0x89, 0x50, 0, 1])]),
            Tree(files: [TreeFile(path: "docs/a.txt", bytes: [0xFF, 0xFE])]),
            Tree("Tests/Fuzz/json/corpus/a", String(repeating: "a", count: 16 * 1024 + 1)),
        ],
        good: [
            Tree("Tests/Vectors/a.json", String(repeating: "a", count: 256 * 1024)),
            Tree(files: [TreeFile(path: "Tests/Fuzz/json/corpus/a", bytes: [0, 1, 0xFF])]),
        ]
    ) { tree in
        tree.files.compactMap { file in
            let isCorpus = file.path.hasPrefix("Tests/Fuzz/") && file.path.contains("/corpus/")
            let limit = isCorpus ? corpusFileBytesMax : fileBytesMax
            if file.bytes.count > limit {
                let message = "\(file.bytes.count) bytes, at most \(limit)"
                return Finding(file.path, 1, message, measure: file.bytes.count)
            }
            return file.isText || isCorpus ? nil : Finding(file.path, 1, "not UTF-8 text")
        }
    },
    Rule(
        "file-modes",
        bad: [
            Tree(files: [TreeFile(path: "scripts/a", bytes: Array("#!/bin/sh\n".utf8))]),
            Tree(files: [TreeFile(path: "a.md", bytes: Array("# A\n".utf8), mode: .executable)]),
            Tree(files: [TreeFile(path: "a", bytes: [], mode: .link)]),
        ],
        good: [
            Tree(files: [
                TreeFile(path: "scripts/a", bytes: Array("#!/bin/sh\n".utf8), mode: .executable),
                TreeFile(path: "a.md", bytes: Array("# A\n".utf8)),
            ])
        ]
    ) { tree in
        tree.files.compactMap { file in
            switch file.mode {
            case .link: return Finding(file.path, 1, "no symbolic links")
            case .executable where !file.bytes.starts(with: "#!".utf8):
                return Finding(file.path, 1, "executable, but no script: chmod a-x")
            case .plain where file.bytes.starts(with: "#!".utf8):
                return Finding(file.path, 1, "a script that is not executable: chmod a+x")
            case .plain, .executable: return nil
            }
        }
    },
    .eachFile(
        "line-ends",
        where: {
            // A patch's empty context lines are one blank.
            $0.isText && !$0.isTestVector && !$0.bytes.isEmpty && !$0.path.hasSuffix(".patch")
        },
        bad: [
            Tree("A.md", "# A\r\n"), Tree("A.md", "# A"), Tree("A.md", "# A \n"),
            Tree("Sources/TallyNode/A.swift", "\tlet a = 1\n"), Tree("A.md", "# A\n\n"),
        ],
        good: [Tree("A.md", "# A\n\nText\n"), Tree("Makefile", "a:\n\techo\n")]
    ) { file in
        var found: [Finding] = []
        for (index, line) in file.lines.enumerated() {
            if let last = line.utf8.last, last == 0x20 || last == 0x09 || last == 0x0D {
                found.append(Finding(file.path, index + 1, "white space at the end of the line"))
            }
            if file.isSwift, line.utf8.contains(0x09) {
                found.append(Finding(file.path, index + 1, "a tab"))
            }
        }
        if file.bytes.last != 0x0A || file.bytes.suffix(2) == [0x0A, 0x0A] {
            found.append(Finding(file.path, file.lineCount, "end with one line end"))
        }
        return found
    },
    .eachFile(
        "no-machine-names",
        where: { $0.isText && !$0.path.contains("/corpus/") },
        bad: [
            Tree("A.md", "# A\n/wo\("rk")/main\n"), Tree("scripts/a", "cd /ro\("ot")/x"),
            Tree("A.md", "see /ho\("me")/ann/a"), Tree("A.md", "from pyp\("i.org")"),
            Tree("Sources/TallyNode/A.swift", "let a = \"/op\("t/swift")/usr\""),
        ],
        good: [Tree("A.md", "# A\nhttps://github.com/a/b, /usr/share, /v2/work/x, ~/journal\n")]
    ) { file in
        // A search of the whole file is fast; only where it finds something are lines looked at.
        let bytes = Data(file.bytes)
        let suspects = machineNames.filter { bytes.range(of: Data($0.utf8)) != nil }
        guard !suspects.isEmpty else { return [] }
        return file.lines.enumerated().flatMap { index, line in
            suspects.filter { line.names($0) }.map {
                Finding(file.path, index + 1, "\($0) is of one machine or of a registry")
            }
        }
    },
    .eachFile(
        "build-flags",
        where: {
            ["Package.swift", "Makefile", ".ci/run"].contains($0.path)
                || $0.path.hasPrefix("scripts/")
        },
        bad: [
            Tree("Package.swift", #"unsafeFlags(["-Ounchecked"])"#),
            Tree("Makefile", "build:\n\tswift build -Xswiftc -enforce-exclusivity=unchecked\n"),
            Tree("Package.swift", #"swiftSettings: [.define("TESTING")]"#),
        ],
        good: [Tree("Package.swift", ".strictMemorySafety()")]
    ) { file in
        let flags = ["-Ounchecked", "-enforce-exclusivity=unchecked", ".define(\"TESTING\")"]
        return file.lines.enumerated().flatMap { index, line in
            flags.filter { line.contains($0) }.map {
                Finding(file.path, index + 1, "\($0) is banned")
            }
        }
    },
]

/// Written in pieces, so that this file does not break its own rule.
private let machineNames = [
    "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Use" + "rs/", "/op" + "t/swift", "pye" + "nv",
    "pyp" + "i.org", "files.python" + "hosted", "registry.npm" + "js", "crat" + "es.io",
    "deb." + "debian.org", "proxy.go" + "lang.org", "hub.dock" + "er.com",
]

extension String {
    /// True when the text holds the name, and a path starts where the name starts.
    fileprivate func names(_ name: String) -> Bool {
        guard let range = firstRange(of: name) else { return false }
        guard name.hasPrefix("/"), range.lowerBound > startIndex else { return true }
        let before = self[index(before: range.lowerBound)]
        return !(before.isLetter || before.isNumber || "._-~}>".contains(before))
    }
}
