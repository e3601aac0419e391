internal import DiffusionCore
internal import Synchronization
internal import Tensor

/// What one attention of the source worked with.
///
/// Probabilities are computed from these when they are needed: queries
/// and keys are several times smaller, and self-attention need never be seen as a matrix at all.
struct AttentionRecord: Sendable {
  let query: Tensor
  let key: Tensor
  let value: Tensor
  /// The memory it takes.
  let byteCount: Int

  init(_ site: AttentionSite, query: Tensor, key: Tensor, value: Tensor) {
    (self.query, self.key, self.value) = (query, key, value)
    // A text's keys and values are the same in all steps, so only queries are counted for cross-attention.
    byteCount = 4 * (query.count + (site.isCross ? 0 : key.count + value.count))
  }
}

/// Writes down queries, keys and values while an evaluation runs, and changes nothing.
final class AttentionRecorder: AttentionControl {
  private let records: (AttentionSite) -> Bool
  private(set) var found: [Int: AttentionRecord] = [:]

  init(where records: @escaping (AttentionSite) -> Bool) { self.records = records }

  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
  {
    if records(site) { found[site.index] = AttentionRecord(site, query: query, key: key, value: value) }
    return nil
  }
}

/// The source's attention in one step of one edit.
final class SourceAttention {
  let records: [Int: AttentionRecord]
  private var probabilities: [Int: Tensor] = [:]

  init(_ records: [Int: AttentionRecord]) { self.records = records }

  subscript(site: AttentionSite) -> AttentionRecord {
    guard let record = records[site.index] else {
      preconditionFailure("\(site) was not recorded in the source")
    }
    return record
  }

  /// Heads x queries x keys; computed once for all targets of a step.
  func probabilities(at site: AttentionSite, _ attention: Attention) -> Tensor {
    if let known = probabilities[site.index] { return known }
    let record = self[site]
    let result = attention.probabilities(query: record.query, key: record.key)
    probabilities[site.index] = result
    return result
  }
}

/// The source of edits: the stored trajectory, whose attention is asked of the network only when somebody reads it, and
/// remembered up to a number of bytes for the next edit.
final class SourceBranch: Sendable {
  /// Which text the source's attention is wanted under.
  enum Text: Hashable { case caption, null }

  private struct Memory {
    var steps: [Int: [Int: AttentionRecord]] = [:]
    var byteCount = 0
  }

  let inversion: Inversion
  /// How many bytes of attention are remembered at most.
  let byteLimit: Int
  private let memory = Mutex(Memory())

  init(_ inversion: Inversion, byteLimit: Int = 1 << 30) {
    self.inversion = inversion
    self.byteLimit = byteLimit
  }

  /// The source's attention under its caption in step `index`, at the sites that `wanted` names.
  ///
  /// One evaluation, or none if it is remembered. Whatever the evaluation passes that an edit could ever read is
  /// remembered with it.
  func attention(
    in index: Int, wanted: Set<Int>, keepable: @escaping (AttentionSite) -> Bool, predictor: NoisePredictor,
    caption: TextContext
  ) throws -> SourceAttention {
    if let known = memory.withLock({ $0.steps[index] }), wanted.isSubset(of: known.keys) {
      return SourceAttention(known)
    }
    let recorder = AttentionRecorder { wanted.contains($0.index) || keepable($0) }
    let stem = try predictor.stem(
      inversion.trajectory[index], at: predictor.sampler.timesteps[index], control: recorder)
    _ = try predictor.prediction(stem, caption, control: recorder)
    remember(recorder.found, step: index)
    return SourceAttention(recorder.found)
  }

  private func remember(_ found: [Int: AttentionRecord], step index: Int) {
    memory.withLock { memory in
      let known = memory.steps[index] ?? [:]
      let byteCount = found.reduce(0) { $0 + (known[$1.key] == nil ? $1.value.byteCount : 0) }
      guard memory.byteCount + byteCount <= byteLimit else { return }
      memory.steps[index] = known.merging(found) { known, _ in known }
      memory.byteCount += byteCount
    }
  }
}
