// swift-tools-version: 6.2
import PackageDescription

// A package of its own, which uses the library as any other program would.
let package = Package(
  name: "Examples",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "null-text-inversion", path: "..")
  ],
  targets: [
    .executableTarget(
      name: "InvertAndEdit",
      dependencies: [
        .product(name: "NullTextInversion", package: "null-text-inversion"),
        .product(name: "EmojiScenes", package: "null-text-inversion"),
      ]),
    .executableTarget(
      name: "Batch",
      dependencies: [
        .product(name: "NullTextInversion", package: "null-text-inversion"),
        .product(name: "EmojiScenes", package: "null-text-inversion"),
      ]),
    .executableTarget(
      name: "PhotoBooth",
      dependencies: [
        .product(name: "NullTextInversion", package: "null-text-inversion"),
        .product(name: "EditEvaluation", package: "null-text-inversion"),
        .product(name: "EmojiScenes", package: "null-text-inversion"),
      ]),
    .executableTarget(
      name: "OwnPolicy",
      dependencies: [
        .product(name: "NullTextInversion", package: "null-text-inversion"),
        .product(name: "EmojiScenes", package: "null-text-inversion"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
