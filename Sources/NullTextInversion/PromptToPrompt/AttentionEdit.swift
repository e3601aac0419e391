package import DiffusionCore
package import Tensor

/// The changes of prompt-to-prompt to the attention of one target prompt, computed from the words alone.
///
/// The initializer validates all words of an edit before any network runs. Only the conditional branch of a guided
/// evaluation is edited; the source's attention never changes.
package struct AttentionEdit: Sendable {
  /// Replacement or refinement; never `auto`.
  package let controller: ControllerChoice

  /// The alignment of the target's tokens with the source's.
  package let alignment: PromptAlignment

  /// The factor of each token of the target.
  package let equalizer: [Float]

  /// The steps in which each token uses the source's cross-attention.
  package let schedule: CrossAttentionSchedule

  /// The steps in which the target uses the source's self-attention.
  package let selfSteps: Range<Int>

  /// The side length of the largest grid with replaced self-attention, at the model's own size.
  package let selfGrid: Int

  private let mixtures: [TokenMixture]

  /// Computes the edit from the settings of prompt-to-prompt.
  ///
  /// - Throws: `InputError` of kind `mismatch` if a word is not in the target prompt, or if replacement is selected
  ///   and the prompts have different numbers of words; `outOfRange` for a weight that is not finite.
  package init(_ settings: PromptToPrompt, _ scene: EditScene) throws {
    let (source, target, length) = (scene.source, scene.target, scene.textLength)
    controller = settings.controller.resolved(source: source, target: target)
    alignment = try PromptAlignment(source: source, target: target, controller: controller, length: length)
    equalizer = try settings.emphasis.equalizer(target: target, length: length)
    schedule = try CrossAttentionSchedule(
      settings.crossSteps, words: settings.crossStepsOfWords, target: target, steps: scene.stepCount,
      length: length)
    selfSteps = settings.selfSteps.steps(of: scene.stepCount)
    selfGrid = settings.selfGrid
    let shares = alignment.shares
    mixtures = schedule.alphas.map { [equalizer] in
      TokenMixture(shares: shares, equalizer: equalizer, alphas: $0)
    }
  }

  /// Whether self-attention at a site is replaced by the source's in a step; step 0 is the noisiest.
  package func replacesSelfAttention(step: Int, at site: AttentionSite) -> Bool {
    selfSteps.contains(step) && site.isWithin(nominalSide: selfGrid)
  }

  /// Whether any cross-attention of the target depends on the source's in a step.
  package func readsSource(step: Int) -> Bool { mixtures[step].readsSource }

  /// Whether any cross-attention of the target is changed in a step.
  package func changesCrossAttention(step: Int) -> Bool { !mixtures[step].isIdentity }

  /// Returns the target's edited cross-attention in a step; all shapes are [heads, positions, tokens].
  ///
  /// With the source's attention R mapped to the target's tokens (a new token's own attention) and multiplied by the
  /// emphasis, and the schedule α, the result is αR + (1 − α) · own. Rows need not sum to one afterward.
  package func crossAttention(source: Tensor, target: Tensor, step: Int) -> Tensor {
    mixtures[step].mix(source, target)
  }
}

/// The linear combination of source and target attention in one step: a sum over few tokens for each target token.
private struct TokenMixture: Sendable {
  /// For each token, the end of its entries in `sources` and `factors`.
  private var ends: [Int] = []
  private var sources: [Int] = []
  private var factors: [Float] = []
  private var own: [Float] = []

  init(
    shares: [(sources: [(token: Int, share: Float)], own: Float)], equalizer: [Float], alphas: [Float]
  ) {
    for (token, share) in shares.enumerated() {
      let taken = equalizer[token] * alphas[token]
      for source in share.sources where taken != 0 {
        sources.append(source.token)
        factors.append(source.share * taken)
      }
      ends.append(sources.count)
      own.append(share.own * taken + (1 - alphas[token]))
    }
  }

  /// Whether the mixture depends on the source's attention.
  var readsSource: Bool { !sources.isEmpty }

  /// Whether the mixture is the target's own attention.
  var isIdentity: Bool { !readsSource && own.allSatisfy { $0 == 1 } }

  func mix(_ source: Tensor, _ target: Tensor) -> Tensor {
    precondition(source.shape == target.shape, "attention of \(source.shape) and \(target.shape)")
    let length = own.count
    precondition(
      source.rowLength == length, "attention to \(source.rowLength) tokens, but an edit of \(length)")
    return Tensor(
      shape: source.shape,
      initializingWith: { result in
        nonisolated(unsafe) let result = result
        source.withScalars { source in
          target.withScalars { target in
            Parallel.forEachRange(of: result.count / length, grain: 256) { rows in
              for row in rows {
                mixRow(at: row * length, source, target, into: result)
              }
            }
          }
        }
      })
  }

  private func mixRow(
    at start: Int, _ source: UnsafeBufferPointer<Float>, _ target: UnsafeBufferPointer<Float>,
    into result: UnsafeMutableBufferPointer<Float>
  ) {
    var entry = 0
    for token in own.indices {
      var sum: Float = own[token] == 0 ? 0 : own[token] * target[start + token]
      while entry < ends[token] {
        sum += factors[entry] * source[start + sources[entry]]
        entry += 1
      }
      result[start + token] = sum
    }
  }
}
