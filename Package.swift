// swift-tools-version: 6.2
import PackageDescription

// The modules, lowest first; dependencies only point downward (Docs/HowItWorks.md).
let package = Package(
  name: "null-text-inversion",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "NullTextInversion", targets: ["NullTextInversion"]),
    .library(name: "EditEvaluation", targets: ["EditEvaluation"]),
    .library(name: "DiffusionCore", targets: ["DiffusionCore"]),
    .library(name: "Pictures", targets: ["Pictures"]),
    .library(name: "Tensor", targets: ["Tensor"]),
    .library(name: "EmojiScenes", targets: ["EmojiScenes"]),
    .executable(name: "nti", targets: ["nti"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .systemLibrary(
      name: "CLAPACKE", pkgConfig: "lapacke",
      providers: [.apt(["liblapacke-dev"]), .brew(["lapack"])]),
    .systemLibrary(
      name: "CLibPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CWebP", pkgConfig: "libwebp",
      providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
    .systemLibrary(
      name: "CLCMS2", pkgConfig: "lcms2",
      providers: [.apt(["liblcms2-dev"]), .brew(["little-cms2"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(name: "CTensorKernels"),
    .target(name: "CPictures", dependencies: ["CLibPNG"]),
    .target(name: "Tensor", dependencies: ["CTensorKernels", "COpenBLAS", "CLAPACKE"]),
    .target(name: "InputOutput"),
    .target(
      name: "Pictures",
      dependencies: ["Tensor", "InputOutput", "CPictures", "CTurboJPEG", "CWebP", "CLCMS2"]),
    .target(
      name: "CLIPVocabulary", dependencies: ["InputOutput", "CZlib"], resources: [.copy("Resources")]),
    .target(
      name: "DiffusionCore",
      dependencies: ["Tensor", "Pictures", "InputOutput", "CLIPVocabulary", "CTensorKernels"]),
    .target(name: "NullTextInversion", dependencies: ["DiffusionCore", "Pictures", "InputOutput", "Tensor"]),
    .target(
      name: "EditEvaluation",
      dependencies: ["NullTextInversion", "DiffusionCore", "Pictures", "InputOutput", "Tensor"]),
    .target(
      name: "EmojiScenes", dependencies: ["DiffusionCore", "InputOutput"], resources: [.copy("Resources")]),
    .executableTarget(
      name: "nti",
      dependencies: [
        "EditEvaluation", "NullTextInversion", "DiffusionCore", "Pictures", "InputOutput", "Tensor",
        "EmojiScenes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestSupport", dependencies: ["Tensor", "Pictures", "DiffusionCore"], path: "Tests/TestSupport"),
    .target(
      name: "FuzzReaders",
      dependencies: [
        "EditEvaluation", "NullTextInversion", "DiffusionCore", "Pictures", "InputOutput", "EmojiScenes",
        "TestSupport",
      ], path: "Tests/FuzzReaders", exclude: ["Dictionaries"]),
    .testTarget(name: "TensorTests", dependencies: ["Tensor", "CTensorKernels", "TestSupport"]),
    .testTarget(name: "InputOutputTests", dependencies: ["InputOutput", "TestSupport"]),
    .testTarget(name: "PicturesTests", dependencies: ["Pictures", "InputOutput", "Tensor", "TestSupport"]),
    .testTarget(name: "DiffusionCoreTests", dependencies: ["DiffusionCore", "EmojiScenes", "TestSupport"]),
    .testTarget(
      name: "NullTextInversionTests",
      dependencies: ["NullTextInversion", "EmojiScenes", "Tensor", "TestSupport"]),
    .testTarget(name: "PublicAPITests", dependencies: ["NullTextInversion", "TestSupport"]),
    .testTarget(
      name: "EditEvaluationTests",
      dependencies: ["EditEvaluation", "NullTextInversion", "EmojiScenes", "Tensor", "TestSupport"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: ["EditEvaluation", "NullTextInversion", "DiffusionCore", "Tensor", "nti", "TestSupport"]),
    .testTarget(name: "FuzzReaderTests", dependencies: ["FuzzReaders", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ]
}
