internal import ArgumentParser
internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// The options of `nti edit` for a photo that is not inverted yet.
struct PhotoOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A description of the photo.", valueName: "text"))
  var caption: String?

  @Option(
    help: ArgumentHelp(
      "The inversion method: \(PublishedMethod.optionNames) (default: inf-edit, which only adds noise).",
      valueName: "method"),
    transform: PublishedMethod.init(optionName:))
  var method: PublishedMethod?

  @Option(
    help: ArgumentHelp(
      "Choose the method and the steps by the quality of edits: \(EditQuality.optionNames) (default: balanced).",
      valueName: "quality"),
    transform: EditQuality.init(optionName:))
  var quality: EditQuality?

  @Option(
    help: ArgumentHelp(
      "The number of sampling steps (default: that of --method or --quality, otherwise 8).", valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp("The seed of the noise; each gives a different edit (default: 0).", valueName: "n"))
  var seed: UInt64?

  @OptionGroup var part: FramingOptions

  /// The name of the first given option of this group; nil if none is given.
  fileprivate var givenName: String? {
    let names: KeyValuePairs = [
      "--caption": caption != nil, "--method": method != nil, "--quality": quality != nil,
      "--steps": steps != nil, "--seed": seed != nil,
      "--size": part.size != .auto, "--crop": part.crop != nil, "--fit": part.fit,
    ]
    return names.first(where: \.value)?.key
  }

  /// Returns the options of the inversion.
  ///
  /// - Throws: `UsageError` for options that cannot be combined.
  fileprivate func inversion() throws -> InversionOptions {
    guard method == nil || quality == nil else {
      throw UsageError("--method and --quality are both given; give one of them.")
    }
    var options = method?.inversion ?? .preset(quality ?? .balanced)
    options.steps = steps ?? options.steps
    options.framing = part.framing
    if let seed {
      guard options.noiseSeed != nil else {
        throw UsageError("--seed applies only to --method edit-friendly, h-edit-r and inf-edit.")
      }
      options.pivots = .independentNoise(seed: seed)
    }
    return options
  }
}

/// The source of `nti edit`: an inversion in a file, or a photo that is inverted in memory.
enum EditSource {
  case inversion(Inversion)
  case photo(RGBImage, InversionArguments)

  /// Reads and checks the file, before the networks are read.
  ///
  /// - Throws: `UsageError` if an option does not apply to this kind of file; `InputError` if the file cannot be used.
  init(_ path: String, _ options: PhotoOptions, _ chosen: ChosenModel) throws {
    let url = URL(fileURLWithPath: path)
    guard case .picture = try FileKind(of: url) else {
      if let name = options.givenName {
        throw UsageError(
          "\(name) applies only to a photo that is not inverted yet, and \(path) is not a photo.")
      }
      let inversion = try Inversion(contentsOf: url)
      try chosen.check(inversion, path)
      self = .inversion(inversion)
      return
    }
    guard let caption = options.caption, caption.contains(where: { !$0.isWhitespace }) else {
      throw UsageError(
        "\(path) is a picture: describe it with --caption, or invert it first and name the inversion.")
    }
    try options.part.check(for: chosen)
    let image = try RGBImage(photo: path)
    try chosen.check(caption, as: "caption")
    let inversion = try options.inversion()
    try UsageError.catching { try inversion.validate() }
    self = .photo(image, try chosen.arguments(of: image, caption: caption, options: inversion))
  }

  /// The arguments of the inversion.
  var arguments: InversionArguments {
    switch self {
    case .inversion(let inversion): InversionArguments(of: inversion)
    case .photo(_, let arguments): arguments
    }
  }

  /// The inversion method of a photo; empty for an inversion.
  var methods: [InversionMethod] {
    if case .photo(_, let arguments) = self { [arguments.options.method] } else { [] }
  }

  /// Returns the photo to paste edits into.
  ///
  /// - Throws: `InputError` if the file is missing, is not a picture, or is another photo.
  func photo(_ path: String, _ chosen: ChosenModel) throws -> RGBImage {
    switch self {
    case .inversion(let inversion): return try chosen.photo(path, of: inversion)
    case .photo(let own, _):
      let image = try RGBImage(contentsOf: URL(fileURLWithPath: path))
      guard image == own else {
        throw InputError(
          .mismatch, "Edits cannot be pasted into \(path): it is not the photo that is edited.")
      }
      return image
    }
  }

  /// Returns the inversion for edits; inverts a photo first.
  func inverted(by editor: ImageEditor, on line: ProgressLine) async throws -> InvertedImage {
    switch self {
    case .inversion(let inversion): return try editor.open(inversion)
    case .photo(let image, let arguments):
      line.begin("inverting")
      return try await editor.invert(
        image: image, caption: arguments.caption, options: arguments.options, progress: line.handler)
    }
  }
}
