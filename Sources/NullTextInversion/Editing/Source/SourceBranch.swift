internal import DiffusionCore
internal import Tensor

/// The source of edits: the stored trajectory with cached attention and predictions, which are computed when an edit
/// reads them.
///
/// Attention is cached up to a number of bytes; predictions, as large as latents, are always cached.
final class SourceBranch: Sendable {
  private struct Memory {
    var steps: [Int: [Int: AttentionInputs]] = [:]
    var predictions: [Int: Tensor] = [:]
    var byteCount = 0
  }

  let inversion: Inversion
  /// The maximum size of the attention cache in bytes.
  let byteLimit: Int
  private let memory = Lock(Memory())

  init(_ inversion: Inversion, byteLimit: Int) {
    self.inversion = inversion
    self.byteLimit = byteLimit
  }

  /// The evaluations of the source that are already cached.
  var knowledge: SourceKnowledge {
    memory.withLock {
      SourceKnowledge(sites: $0.steps.mapValues { Set($0.keys) }, predicted: Set($0.predictions.keys))
    }
  }

  /// Evaluates the source under its caption and its null embeddings.
  struct Evaluator {
    let predictor: NoisePredictor
    let sampler: any Sampler
    let caption: TextContext
    /// Selects sites whose attention is cached in addition to the sites that are read.
    let keepable: (AttentionSite) -> Bool

    /// Returns the timestep at a position of the trajectory; 0 at its end.
    fileprivate func timestep(at position: Int) -> Int {
      position < sampler.stepCount
        ? sampler.timesteps[position] : sampler.endTimestep(ofStep: sampler.stepCount - 1)
    }
  }

  /// Returns what an edit reads of the source in step `index`, evaluating only what is not cached.
  ///
  /// - Parameter null: The step's null embedding.
  func step(_ index: Int, _ reading: SourceReading, _ evaluator: Evaluator, null: TextContext) throws
    -> SourceStep
  {
    let conditional = try attention(at: reading.position, reading.sites, evaluator)
    let prediction = reading.predictions.contains(.caption) ? try prediction(at: index, evaluator) : nil
    let unconditional = try nullEvaluation(index, reading, evaluator, null)
    return SourceStep(
      latent: inversion.trajectory[index], next: inversion.trajectory[index + 1],
      pivot: inversion.pivot(after: index), conditional: conditional, unconditional: unconditional.attention,
      predictions: .init(caption: prediction, null: unconditional.prediction))
  }

  /// Returns the source's attention under its caption at a position, at the sites in `wanted`.
  ///
  /// It takes one evaluation, or none if the attention is cached or no site is wanted. An evaluation also caches all
  /// sites that `Evaluator.keepable` accepts.
  private func attention(at position: Int, _ wanted: Set<Int>, _ evaluator: Evaluator) throws
    -> SourceAttention
  {
    guard !wanted.isEmpty else { return SourceAttention() }
    let known = memory.withLock { $0.steps[position] ?? [:] }
    if wanted.isSubset(of: known.keys) { return SourceAttention(known) }
    let found = try evaluate(at: position, evaluator.caption, evaluator) {
      wanted.contains($0.index) || evaluator.keepable($0)
    }
    remember(found.attention, found.prediction, at: position)
    return SourceAttention(found.attention)
  }

  private func prediction(at position: Int, _ evaluator: Evaluator) throws -> Tensor {
    if let known = memory.withLock({ $0.predictions[position] }) { return known }
    let found = try evaluate(at: position, evaluator.caption, evaluator) { _ in false }
    remember([:], found.prediction, at: position)
    return found.prediction
  }

  /// Returns the source's attention and prediction under its null embedding, as far as they are read.
  ///
  /// It takes one evaluation if both are at the same position, and none if nothing is read. The result is not cached.
  private func nullEvaluation(
    _ index: Int, _ reading: SourceReading, _ evaluator: Evaluator, _ null: TextContext
  ) throws -> (attention: SourceAttention, prediction: Tensor?) {
    let wantsPrediction = reading.predictions.contains(.null)
    var (attention, prediction): (SourceAttention, Tensor?) = (SourceAttention(), nil)
    if !reading.nullSites.isEmpty {
      let found = try evaluate(at: reading.position, null, evaluator) { reading.nullSites.contains($0.index) }
      attention = SourceAttention(found.attention)
      if wantsPrediction, reading.position == index { prediction = found.prediction }
    }
    if wantsPrediction, prediction == nil {
      prediction = try evaluate(at: index, null, evaluator) { _ in false }.prediction
    }
    return (attention, prediction)
  }

  private func evaluate(
    at position: Int, _ text: TextContext, _ evaluator: Evaluator,
    where records: @escaping (AttentionSite) -> Bool
  ) throws -> (attention: [Int: AttentionInputs], prediction: Tensor) {
    let recorder = AttentionRecorder(where: records)
    let predictor = evaluator.predictor
    let stem = try predictor.stem(
      inversion.trajectory[position], at: evaluator.timestep(at: position), control: recorder)
    let prediction = try predictor.prediction(stem, text, control: recorder)
    return (recorder.found, prediction.value)
  }

  private func remember(_ found: [Int: AttentionInputs], _ prediction: Tensor, at position: Int) {
    memory.withLock { memory in
      memory.predictions[position] = prediction
      let known = memory.steps[position] ?? [:]
      let byteCount = found.reduce(0) { $0 + (known[$1.key] == nil ? $1.value.byteCount : 0) }
      guard memory.byteCount + byteCount <= byteLimit else { return }
      memory.steps[position] = known.merging(found) { known, _ in known }
      memory.byteCount += byteCount
    }
  }
}
