// swift-tools-version: 6.2
import PackageDescription

// A separate package, so that the other examples do not resolve a web server.
let package = Package(
  name: "EditServer",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "null-text-inversion", path: "../.."),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.0.0"),
  ],
  targets: [
    .executableTarget(
      name: "EditServer",
      dependencies: [
        .product(name: "NullTextInversion", package: "null-text-inversion"),
        .product(name: "EmojiScenes", package: "null-text-inversion"),
        .product(name: "Hummingbird", package: "hummingbird"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
