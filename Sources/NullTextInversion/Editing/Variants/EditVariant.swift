internal import DiffusionCore
internal import Tensor

/// One of several edits of an image with the same prompt.
public struct EditVariant: Sendable {
  /// The edit.
  public let edited: EditedImage
  /// The score that ranks the variants.
  public let score: EditScore
  /// The seed of the trajectory's noise; nil if the trajectory has none.
  public let seed: UInt64?
}

extension InvertedImage {
  /// Edits the image with one prompt in several ways and sorts the edits by score, best first.
  ///
  /// With pivots of independent noise, each variant has its own noise, with seeds counted up from the inversion's
  /// seed. With other pivots, variants differ in the step windows of prompt-to-prompt; other controls have only one
  /// variant.
  ///
  /// - Parameters:
  ///   - count: The number of variants, at least 1; at most ``windowVariants`` with pivots without independent noise.
  ///   - prompt: The new prompt.
  ///   - options: The options of the first variant.
  ///   - progress: Receives the progress of one edit after the other.
  /// - Throws: `InputError` if there are fewer variants than requested; the errors of
  ///   `edit(prompt:options:policy:progress:)`.
  public func variants(
    _ count: Int, prompt: String, options: EditOptions = EditOptions(), progress: ProgressHandler? = nil
  ) async throws -> [EditVariant] {
    let ways = try variants(count, options)
    let change = PromptChange(from: inversion.caption, to: prompt)
    let source = change.source.isEmpty ? nil : try await attentionMaps()
    let original = try await reconstruction()
    var variants: [EditVariant] = []
    for way in ways {
      let (edited, maps) = try await way.inverted.attentionMaps(
        prompt: prompt, options: way.options, progress: progress)
      let score = try EditScore(
        of: edited.image, from: original, change, source: source ?? maps, target: maps)
      variants.append(EditVariant(edited: edited, score: score, seed: way.inverted.inversion.seed))
    }
    return variants.sorted { $0.score.total > $1.score.total }
  }

  /// The maximum number of variants with pivots without independent noise.
  public static var windowVariants: Int { windows.count + 1 }

  /// Step windows of cross-attention and self-attention, from the least to the most restrictive.
  private static var windows: [(cross: StepWindow, own: StepWindow)] {
    [(0.4, 0.2), (0.4, 0.6), (0.8, 0.6), (0.8, 0.2), (0, 0.4), (0.2, 0.1), (0.8, 0.8)]
  }

  private func variants(_ count: Int, _ options: EditOptions) throws -> [(
    inverted: InvertedImage, options: EditOptions
  )] {
    try InputError.require(count > 0, "The number of variants is \(count), but must be 1 or more.")
    if let seed = inversion.seed {
      return try (0..<count).map { number in
        (number == 0 ? self : try reseeded(seed &+ UInt64(number)), options)
      }
    }
    guard count == 1 || options.promptToPrompt != nil else {
      throw InputError(
        .mismatch,
        "Variants need prompt-to-prompt control or pivots of independent noise; this edit has neither."
      )
    }
    let own = options.promptToPrompt.map { ($0.crossSteps, $0.selfSteps) }
    let others = Self.windows.filter { windows in own.map { $0 != windows } ?? true }
    try InputError.require(
      count <= others.count + 1,
      "This inversion has at most \(others.count + 1) variants, not \(count). InfEdit inversions have more."
    )
    return [(self, options)]
      + others.prefix(count - 1).map { windows in
        var options = options
        options.promptToPrompt?.crossSteps = windows.cross
        options.promptToPrompt?.selfSteps = windows.own
        return (self, options)
      }
  }

  /// Returns the same image with pivots from another noise seed, without network evaluations.
  ///
  /// - Throws: `InputError(.mismatch)` if the pivots are not those of independent noise, or if this is the inversion
  ///   of an edit.
  public func reseeded(_ seed: UInt64) throws -> InvertedImage {
    guard inversion.seed != nil, !inversion.isOfEdit else {
      throw InputError(.mismatch, "Only inversions with pivots of independent noise have a seed.")
    }
    return InvertedImage(
      editor: editor, inversion: try inversion.reseeded(seed, editor.model.schedule),
      evaluations: EvaluationCount())
  }
}

extension Inversion {
  /// The seed of the pivots' independent noise; nil for other pivots.
  public var seed: UInt64? { options.noiseSeed }

  /// Returns the inversion with pivots from another noise seed.
  fileprivate func reseeded(_ seed: UInt64, _ schedule: NoiseSchedule) throws -> Inversion {
    var inversion = self
    inversion.options.pivots = .independentNoise(seed: seed)
    inversion.pivots = try sampler(schedule).noised(latent, seed: seed, sharesNoise: false)
    inversion.trajectory = inversion.pivots.reversed()
    return inversion
  }
}
