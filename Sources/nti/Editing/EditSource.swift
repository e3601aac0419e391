internal import ArgumentParser
internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// What `nti edit` says of a photo that has not been inverted.
struct PhotoOptions: ParsableArguments {
  @Option(help: ArgumentHelp("What the photo shows.", valueName: "text"))
  var caption: String?

  @Option(
    help: ArgumentHelp(
      "How the photo is inverted first: \(PublishedMethod.optionNames) (default: inf-edit, which only adds noise).",
      valueName: "method"),
    transform: PublishedMethod.init(optionName:))
  var method: PublishedMethod?

  @Option(
    help: ArgumentHelp(
      "Choose method and steps for edits that are good for their time: \(EditQuality.optionNames) (default: balanced).",
      valueName: "quality"),
    transform: EditQuality.init(optionName:))
  var quality: EditQuality?

  @Option(
    help: ArgumentHelp(
      "The number of sampling steps (default: the method's, or 8).", valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("The seed of the noise: each gives another edit (default: 0).", valueName: "n"))
  var seed: UInt64?

  @OptionGroup var part: FramingOptions

  /// The options of this group that are given.
  fileprivate var givenName: String? {
    let names: KeyValuePairs = [
      "--caption": caption != nil, "--method": method != nil, "--quality": quality != nil,
      "--steps": steps != nil, "--seed": seed != nil,
      "--size": part.size != .auto, "--crop": part.crop != nil, "--fit": part.fit,
    ]
    return names.first(where: \.value)?.key
  }

  /// How the photo is inverted.
  fileprivate func inversion() throws -> InversionOptions {
    guard method == nil || quality == nil else {
      throw UsageError("--method and --quality are both given; give one of them.")
    }
    var options = method?.inversion ?? .preset(quality ?? .balanced)
    options.steps = steps ?? options.steps
    options.framing = part.framing
    if let seed {
      guard options.noiseSeed != nil else {
        throw UsageError("--seed is a setting of --method edit-friendly, h-edit-r and inf-edit.")
      }
      options.pivots = .independentNoise(seed: seed)
    }
    return options
  }
}

/// What `nti edit` edits: an inversion in a file, or a photo that is inverted first and not kept.
enum EditSource {
  case inversion(Inversion)
  case photo(RGBImage, InversionArguments)

  /// Reads and checks the file, before the networks are read.
  ///
  /// - Throws: `UsageError` if the options are not those of such a file; `InputError` if it cannot be used.
  init(_ path: String, _ options: PhotoOptions, _ chosen: ChosenModel) throws {
    let url = URL(fileURLWithPath: path)
    guard case .picture = try FileKind(of: url) else {
      if let name = options.givenName {
        throw UsageError("\(name) is for a photo that has not been inverted, and \(path) is none.")
      }
      let inversion = try Inversion(contentsOf: url)
      try chosen.check(inversion, path)
      self = .inversion(inversion)
      return
    }
    guard let caption = options.caption, caption.contains(where: { !$0.isWhitespace }) else {
      throw UsageError(
        "\(path) is a picture: say with --caption what it shows, or invert it first and name the inversion.")
    }
    try options.part.check(for: chosen)
    let image = try RGBImage(photo: path)
    try chosen.check(caption, as: "caption")
    let inversion = try options.inversion()
    try UsageError.catching { try inversion.validate() }
    self = .photo(image, try chosen.arguments(of: image, caption: caption, options: inversion))
  }

  /// What the inversion is made from.
  var arguments: InversionArguments {
    switch self {
    case .inversion(let inversion): InversionArguments(of: inversion)
    case .photo(_, let arguments): arguments
    }
  }

  /// How a photo is inverted; nothing for an inversion.
  var methods: [InversionMethod] {
    if case .photo(_, let arguments) = self { [arguments.options.method] } else { [] }
  }

  /// The photo to paste edits into.
  ///
  /// - Throws: `InputError` if it is missing, no picture, or another photo.
  func photo(_ path: String, _ chosen: ChosenModel) throws -> RGBImage {
    switch self {
    case .inversion(let inversion): return try chosen.photo(path, of: inversion)
    case .photo(let own, _):
      let image = try RGBImage(contentsOf: URL(fileURLWithPath: path))
      guard image == own else {
        throw InputError(
          .mismatch, "\(path) cannot be pasted into: it is another photo than the one to edit.")
      }
      return image
    }
  }

  /// The inversion, ready to be edited.
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
