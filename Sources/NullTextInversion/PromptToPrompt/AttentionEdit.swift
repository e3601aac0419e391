package import DiffusionCore
package import Tensor

/// What prompt-to-prompt does to the attention of one target prompt, worked out from the words alone.
///
/// Making one checks everything about words that an edit asks for, before any network runs. Only the conditional
/// half of a guided evaluation is edited; the source's attention is never changed.
package struct AttentionEdit: Sendable {
  /// Whether words are replaced or the prompt is refined; never `auto`.
  package let controller: ControllerChoice

  /// Where the target's tokens take their attention from.
  package let alignment: PromptAlignment

  /// The factor of each token of the target.
  package let equalizer: [Float]

  /// In which steps each token takes its cross-attention from the source.
  package let schedule: CrossAttentionSchedule

  /// The steps in which the self-attention is the source's.
  package let selfSteps: Range<Int>

  /// The side, at the model's own size, of the largest grid at which self-attention is the source's.
  package let selfGrid: Int

  private let mixtures: [TokenMixture]

  /// The edit of a scene by the settings of prompt-to-prompt.
  ///
  /// - Throws: `InputError` of kind `mismatch` if a word is not in the target prompt, or words should be replaced but
  ///   their numbers differ; `outOfRange` for a weight that is not finite.
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

  /// Whether the target's self-attention at a site is the source's in a step (0 is the noisiest).
  package func replacesSelfAttention(step: Int, at site: AttentionSite) -> Bool {
    selfSteps.contains(step) && site.isWithin(nominalSide: selfGrid)
  }

  /// Whether any of the target's cross-attention in a step is made from the source's.
  package func readsSource(step: Int) -> Bool { mixtures[step].readsSource }

  /// Whether any cross-attention of the target is changed in a step.
  package func changesCrossAttention(step: Int) -> Bool { !mixtures[step].isIdentity }

  /// The target's cross-attention in a step, from the source's and its own: [heads, positions, tokens] all three.
  ///
  /// With R the source's attention in the order of the target's tokens (a new token's own), weighted by the
  /// emphasis, and α the schedule: αR + (1 - α) · own. Rows need not sum to one any more.
  package func crossAttention(source: Tensor, target: Tensor, step: Int) -> Tensor {
    mixtures[step].mix(source, target)
  }
}

/// One step's way from the attention of source and target to the edited one: a sum over few tokens for each token.
private struct TokenMixture: Sendable {
  /// For each token the end of its part of `sources` and `factors`.
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

  /// Whether any of the source's attention goes into it.
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
