// swift-tools-version: 6.2
import PackageDescription

// A separate package, so that users of the library do not resolve the dependencies of the benchmarks.
let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "null-text-inversion", path: ".."),
    // The default traits are disabled because they replace the memory allocator.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .systemLibrary(
      name: "CBLASOfBenchmarks", path: "CBLASOfBenchmarks", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .executableTarget(
      name: "UNetLayers",
      dependencies: [
        "CBLASOfBenchmarks",
        .product(name: "Tensor", package: "null-text-inversion"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "UNetLayers",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ],
  swiftLanguageModes: [.v6]
)
