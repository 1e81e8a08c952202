// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// The package: pure modules below, effects above, one executable. DESIGN.md §10 of the project has
// the import table; Tests/TidyTests enforces it. TALLY_BENCH and TALLY_DOCS add what only
// benchmarks and documentation need.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["TestSupport", "TallyTypes"],
        exclude: exclude,
        swiftSettings: settings
    )
}

/// A libFuzzer harness; `scripts/fuzz` links it with the fuzzer's main function.
func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "fuzz-\(name)",
        dependencies: dependencies + ["TallyTypes"],
        path: "Tests/Fuzz/\(name)/harness",
        swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
    )
}

let package = Package(
    name: "tallystick",
    products: [.executable(name: "tally", targets: ["tally"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(
            url: "https://github.com/swift-server/async-http-client",
            exact: "1.37.0"
        ),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle",
            exact: "2.13.0"
        ),
    ],
    targets: [
        .target(name: "CTally", linkerSettings: [.linkedLibrary("crypto")]),
        .systemLibrary(
            name: "CRocksDB",
            pkgConfig: "rocksdb",
            providers: [.apt(["librocksdb-dev"])]
        ),
        module("TallyTypes", []),
        module("TallyCodec", ["TallyTypes"]),
        module("TallyProof", ["TallyTypes", "TallyCodec", "CTally", crypto]),
        module("TallyKernel", ["TallyTypes", "TallyCodec", "TallyProof", "CTally"]),
        module("TallyChecker", ["TallyTypes", "TallyCodec", "TallyProof"]),
        module("TallyImport", ["TallyTypes"]),
        module("TallyLog", ["TallyTypes", "TallyCodec", "CTally"]),
        module(
            "TallyStore",
            ["TallyTypes", "TallyCodec", "TallyProof", "CTally", "CRocksDB", crypto]
        ),
        module("TallySim", ["TallyTypes", "TallyCodec", "TallyStore", "TallyLog"]),
        module(
            "TallyViews",
            [
                "TallyTypes", crypto,
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]
        ),
        module(
            "TallyHTTP",
            [
                "TallyTypes", "TallyCodec", "TallyViews", logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Mustache", package: "swift-mustache"),
            ]
        ),
        module(
            "TallyNode",
            [
                "TallyTypes", "TallyCodec", "TallyProof", "TallyKernel", "TallyChecker",
                "TallyStore", "TallyLog", "TallyViews", "TallyHTTP", "TallyImport", logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "tally",
            dependencies: [
                "TallyNode", "TallyTypes", "TallyCodec", "TallyChecker", "TallyImport", "TallySim",
                logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "pure-probe",
            dependencies: [
                "TallyTypes", "TallyCodec", "TallyProof", "TallyKernel", "TallyChecker",
                "TallyImport",
            ],
            path: "Tests/PureProbe",
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["TallyTypes"],
            path: "Tests/Support",
            swiftSettings: settings
        ),
        tests("TidyTests", [], exclude: ["Allowances.txt"]),
        tests("TallyTypesTests", []),
        tests("TallyCodecTests", ["TallyCodec"]),
        tests("TallyProofTests", ["TallyCodec", "TallyProof", crypto]),
        tests("TallyKernelTests", ["TallyCodec", "TallyProof", "TallyKernel", "TallyChecker"]),
        tests("TallyCheckerTests", ["TallyCodec", "TallyProof", "TallyChecker"]),
        tests("TallyImportTests", ["TallyImport"]),
        tests("TallyLogTests", ["TallyCodec", "TallyLog", "TallyStore", "TallySim", "CTally"]),
        tests(
            "TallyStoreTests",
            ["TallyCodec", "TallyProof", "TallyStore", "TallyLog", "TallySim", "CTally", crypto]
        ),
        tests("TallySimTests", ["TallyStore", "TallyLog", "TallySim"]),
        tests(
            "TallyViewsTests",
            [
                "TallyCodec", "TallyProof", "TallyViews",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]
        ),
        tests(
            "TallyHTTPTests",
            [
                "TallyCodec", "TallyProof", "TallyViews", "TallyHTTP", logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]
        ),
        tests(
            "TallyNodeTests",
            [
                "TallyCodec", "TallyProof", "TallyKernel", "TallyChecker", "TallyStore",
                "TallyLog", "TallySim", "TallyViews", "TallyHTTP", "TallyImport", "TallyNode",
                logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]
        ),
        tests(
            "CrashTests",
            [
                "TallyCodec", "TallyProof", "TallyChecker", "TallyStore", "TallyNode",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]
        ),
        tests("ConformanceTests", ["TallyCodec", "TallyNode", "TallyImport", "TallyViews"]),
        tests(
            "IndependentTests",
            ["TallyCodec", "TallyProof", "TallyChecker", "TallyStore", "TallyHTTP", "TallyNode"]
        ),
        tests("FuzzTests", ["TallyCodec", "TallyImport", "TallyKernel", "TallyProof"]),
    ]
)

if Context.environment["TALLY_DOCS"] != nil {
    package.dependencies += [
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")
    ]
}

if Context.environment["TALLY_FUZZ"] != nil {
    package.targets += [
        fuzzer("json", ["TallyCodec"]),
        fuzzer("record", ["TallyCodec"]),
    ]
}

/// A set of micro-benchmarks of one area, run by the benchmark plugin.
func benchmarks(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies + [
            "TallyTypes", .product(name: "Benchmark", package: "benchmark"),
        ],
        path: "Benchmarks/\(name)",
        swiftSettings: settings,
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    )
}

if Context.environment["TALLY_BENCH"] != nil {
    package.dependencies += [
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: [])
    ]
    package.targets += [
        benchmarks("KernelBenchmarks", ["TallyCodec", "TallyKernel"]),
        benchmarks("ProofBenchmarks", ["TallyProof", crypto]),
        benchmarks("StoreBenchmarks", ["TallyLog", "TallyStore"]),
    ]
}
