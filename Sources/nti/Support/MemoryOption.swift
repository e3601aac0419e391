internal import ArgumentParser
internal import DiffusionCore
internal import NullTextInversion

/// How much memory a command may take.
struct MemoryOption: ParsableArguments {
  @Option(
    name: .customLong("memory"),
    help: ArgumentHelp(
      "The most memory to take, as in 3GB or 2500MB; with less, work takes longer (default: no limit).",
      valueName: "size"),
    transform: { try MemoryOption.byteCount($0) })
  var limit: Int?

  /// The limits within which a model is to work.
  ///
  /// - Parameters:
  ///   - methods: those by which pictures will be inverted.
  ///   - edits: what pictures will be edited with.
  ///   - pictureSize: of the largest picture; nil for the model's own.
  ///   - remembersSource: whether a picture will be edited more than once.
  /// - Throws: `UsageError` that says what would be enough, if too little is allowed.
  func limits(
    for checkpoint: Checkpoint, inverting methods: [InversionMethod] = [],
    editing edits: EditOptions = EditOptions(), pictureSize: PixelSize?, remembersSource: Bool = false
  ) throws -> MemoryLimits {
    guard let limit else {
      // A command embeds its texts once, at its beginning.
      var limits = MemoryLimits(model: checkpoint.options.saving(in: ModelOptions(keptParts: [.unet, .vae])))
      if !remembersSource { limits.sourceAttention = 0 }
      return limits
    }
    return try UsageError.catching {
      try MemoryLimits(
        fitting: limit, checkpoint, inverting: methods, editing: edits, pictureSize: pictureSize,
        remembersSource: remembersSource)
    }
  }

  /// A number of bytes as in `3GB`, `2.5GiB`, `800MB`.
  static func byteCount(_ text: String) throws -> Int {
    let units: [(name: String, size: Double)] = [
      ("gib", 0x1p30), ("mib", 0x1p20), ("gb", 1e9), ("mb", 1e6), ("g", 1e9), ("m", 1e6),
    ]
    let lowercased = text.lowercased()
    guard let unit = units.first(where: { lowercased.hasSuffix($0.name) }),
      let number = Double(lowercased.dropLast(unit.name.count).filter { $0 != " " }), number > 0,
      number * unit.size < 1e15
    else { throw ValidationError("write a size like 3GB, 2.5GiB or 800MB.") }
    return Int(number * unit.size)
  }
}

extension ModelOptions {
  /// What takes longer for the sake of memory, for people; nil if nothing does that one would notice.
  var savings: String? {
    var parts: [String] = []
    if !keptParts.contains(.unet) { parts.append("networks are read when they are used") }
    if decodingBandByteCount != nil { parts.append("the decoder works in bands") }
    if recomputesActivations { parts.append("gradients compute activations again") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
