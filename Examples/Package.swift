// swift-tools-version: 6.2
import PackageDescription

let library: [Target.Dependency] = [
  .product(name: "NullTextInversion", package: "null-text-inversion"),
  .product(name: "EmojiScenes", package: "null-text-inversion"),
]

// A separate package that uses the library like any other program.
let package = Package(
  name: "Examples",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "null-text-inversion", path: "..")
  ],
  targets: [
    .executableTarget(name: "InvertAndEdit", dependencies: library),
    .executableTarget(name: "Batch", dependencies: library),
    .executableTarget(
      name: "PhotoBooth",
      dependencies: library + [.product(name: "EditEvaluation", package: "null-text-inversion")]),
    .executableTarget(name: "OwnPolicy", dependencies: library),
  ],
  swiftLanguageModes: [.v6]
)
