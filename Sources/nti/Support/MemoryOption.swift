internal import ArgumentParser
internal import DiffusionCore
internal import NullTextInversion

/// The memory limit of a command.
struct MemoryOption: ParsableArguments {
  @Option(
    name: .customLong("memory"),
    help: ArgumentHelp(
      "The memory limit, as in 3GB or 2500MB; less memory makes the work slower (default: no limit).",
      valueName: "size"),
    transform: { try MemoryOption.byteCount($0) })
  var limit: Int?

  /// Returns the memory limits of a model.
  ///
  /// - Parameters:
  ///   - checkpoint: The model.
  ///   - methods: The methods of the inversions.
  ///   - edits: The options of the edits.
  ///   - pictureSize: The size of the largest picture; nil for the model's own size.
  ///   - remembersSource: Whether a picture is edited more than once.
  /// - Throws: `UsageError` with the required memory if the limit is too low.
  func limits(
    for checkpoint: Checkpoint, inverting methods: [InversionMethod] = [],
    editing edits: EditOptions = EditOptions(), pictureSize: PixelSize?, remembersSource: Bool = false
  ) throws -> MemoryLimits {
    guard let limit else {
      // The text encoder is not kept, because a command embeds its texts once at the beginning.
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

  /// Parses a number of bytes, as in `3GB`, `2.5GiB` or `800MB`.
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
  /// The measures that save memory and cost time, in words; nil if there are none.
  var savings: String? {
    var parts: [String] = []
    if !keptParts.contains(.unet) { parts.append("networks are read when they are used") }
    if decodingBandByteCount != nil { parts.append("the decoder works in bands") }
    if recomputesActivations { parts.append("gradients recompute activations") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
