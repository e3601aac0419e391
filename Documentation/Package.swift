// swift-tools-version: 6.2
import PackageDescription

let products = ["NullTextInversion", "EditEvaluation", "DiffusionCore", "Pictures", "Tensor", "EmojiScenes"]

// Builds the DocC catalogs of the library's products and checks the pages. A separate package, so that users of the library
// do not resolve the DocC plugin.
let package = Package(
  name: "Documentation",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "null-text-inversion", path: ".."),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
  ],
  targets: [
    .executableTarget(
      name: "PageSnippets", dependencies: products.map { .product(name: $0, package: "null-text-inversion") }),
    .testTarget(
      name: "PagesTests", dependencies: [.product(name: "NullTextInversion", package: "null-text-inversion")]),
  ],
  swiftLanguageModes: [.v6]
)
