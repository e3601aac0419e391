internal import DiffusionCore
internal import Tensor

/// One of several edits of a picture with one prompt.
public struct EditVariant: Sendable {
  /// The edit.
  public let edited: EditedImage
  /// What can be measured of it.
  public let score: EditScore
  /// The seed of the noise of its path; nil where the path has none.
  public let seed: UInt64?
}

extension InvertedImage {
  /// Several edits of the picture with one prompt, the best first by what can be measured.
  ///
  /// On a path of independent noise each has noise of its own, from the inversion's seed upwards. On others they differ in the
  /// windows of prompt-to-prompt; other controls have no variants there.
  ///
  /// - Parameters:
  ///   - count: how many, from 1; at most ``windowVariants`` on a path without noise.
  ///   - options: those of the first.
  ///   - progress: hears of one edit after the other.
  /// - Throws: `InputError` if there are no such variants, and as `edit(prompt:options:)`.
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

  /// The most variants on a path without noise.
  public static var windowVariants: Int { windows.count + 1 }

  /// Pairs of windows, of cross- and self-attention, from the freer to the stricter.
  private static var windows: [(cross: StepWindow, own: StepWindow)] {
    [(0.4, 0.2), (0.4, 0.6), (0.8, 0.6), (0.8, 0.2), (0, 0.4), (0.2, 0.1), (0.8, 0.8)]
  }

  private func variants(_ count: Int, _ options: EditOptions) throws -> [(
    inverted: InvertedImage, options: EditOptions
  )] {
    try InputError.require(count > 0, "\(count) variants: ask for 1 or more.")
    if let seed = inversion.seed {
      return try (0..<count).map { number in
        (number == 0 ? self : try reseeded(seed &+ UInt64(number)), options)
      }
    }
    guard count == 1 || options.promptToPrompt != nil else {
      throw InputError(
        .mismatch,
        "Variants differ in the windows of prompt-to-prompt or in the noise of the path; this edit has neither."
      )
    }
    let own = options.promptToPrompt.map { ($0.crossSteps, $0.selfSteps) }
    let others = Self.windows.filter { windows in own.map { $0 != windows } ?? true }
    try InputError.require(
      count <= others.count + 1,
      "\(count) variants: this inversion has up to \(others.count + 1). Edits of photos by InfEdit have more."
    )
    return [(self, options)]
      + others.prefix(count - 1).map { windows in
        var options = options
        options.promptToPrompt?.crossSteps = windows.cross
        options.promptToPrompt?.selfSteps = windows.own
        return (self, options)
      }
  }

  /// The same picture on a path with noise of another seed; nothing is evaluated.
  ///
  /// - Throws: `InputError(.mismatch)` unless the path is one of independent noise.
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
  /// The seed of the noise of the path; nil if it has none.
  public var seed: UInt64? { options.noiseSeed }

  /// The same with noise of another seed.
  fileprivate func reseeded(_ seed: UInt64, _ schedule: NoiseSchedule) throws -> Inversion {
    var inversion = self
    inversion.options.pivots = .independentNoise(seed: seed)
    inversion.pivots = try sampler(schedule).noised(latent, seed: seed, sharesNoise: false)
    inversion.trajectory = inversion.pivots.reversed()
    return inversion
  }
}
