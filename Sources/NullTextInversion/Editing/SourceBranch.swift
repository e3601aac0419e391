internal import DiffusionCore
internal import Tensor

/// The source of edits: the stored trajectory, whose attention is computed only when somebody reads it, and remembered up
/// to a number of bytes for the next edit.
final class SourceBranch: Sendable {
  private struct Memory {
    var steps: [Int: [Int: AttentionInputs]] = [:]
    var byteCount = 0
  }

  let inversion: Inversion
  /// How many bytes of attention are remembered at most.
  let byteLimit: Int
  private let memory = Lock(Memory())

  init(_ inversion: Inversion, byteLimit: Int) {
    self.inversion = inversion
    self.byteLimit = byteLimit
  }

  /// Whether the attention under the caption at some sites costs no evaluation in step `index`.
  func remembers(_ wanted: Set<Int>, step index: Int) -> Bool {
    wanted.isEmpty || known(wanted, step: index) != nil
  }

  private func known(_ wanted: Set<Int>, step index: Int) -> [Int: AttentionInputs]? {
    memory.withLock { $0.steps[index] }.flatMap { wanted.isSubset(of: $0.keys) ? $0 : nil }
  }

  /// The source's attention under its caption in step `index`, at the sites that `wanted` names.
  ///
  /// One evaluation, or none if it is remembered or nothing is wanted. Whatever the evaluation passes that `keepable`
  /// accepts is remembered with it.
  func attention(
    in index: Int, at timestep: Int, wanted: Set<Int>, keepable: @escaping (AttentionSite) -> Bool,
    _ predictor: NoisePredictor, caption: TextContext
  ) throws -> SourceAttention {
    guard !wanted.isEmpty else { return SourceAttention() }
    if let known = known(wanted, step: index) { return SourceAttention(known) }
    let found = try record(index, timestep, predictor, caption) { wanted.contains($0.index) || keepable($0) }
    remember(found, step: index)
    return SourceAttention(found)
  }

  /// The source's attention under its null embedding in step `index`, at the sites that `wanted` names.
  ///
  /// One evaluation, or none if nothing is wanted. It is not remembered.
  func unconditionalAttention(
    in index: Int, at timestep: Int, wanted: Set<Int>, _ predictor: NoisePredictor, null: TextContext
  ) throws -> SourceAttention {
    guard !wanted.isEmpty else { return SourceAttention() }
    return SourceAttention(try record(index, timestep, predictor, null) { wanted.contains($0.index) })
  }

  private func record(
    _ index: Int, _ timestep: Int, _ predictor: NoisePredictor, _ text: TextContext,
    where records: @escaping (AttentionSite) -> Bool
  ) throws -> [Int: AttentionInputs] {
    let recorder = AttentionRecorder(where: records)
    let stem = try predictor.stem(inversion.trajectory[index], at: timestep, control: recorder)
    _ = try predictor.prediction(stem, text, control: recorder)
    return recorder.found
  }

  private func remember(_ found: [Int: AttentionInputs], step index: Int) {
    memory.withLock { memory in
      let known = memory.steps[index] ?? [:]
      let byteCount = found.reduce(0) { $0 + (known[$1.key] == nil ? $1.value.byteCount : 0) }
      guard memory.byteCount + byteCount <= byteLimit else { return }
      memory.steps[index] = known.merging(found) { known, _ in known }
      memory.byteCount += byteCount
    }
  }
}
