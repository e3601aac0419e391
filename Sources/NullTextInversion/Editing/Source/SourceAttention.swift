public import DiffusionCore
public import Tensor

/// The source's attention in one branch of one step.
///
/// Probabilities are computed on first use, because the recorded queries and keys are several times smaller.
public final class SourceAttention {
  let records: [Int: AttentionInputs]
  private var probabilities: [Int: Tensor] = [:]

  init(_ records: [Int: AttentionInputs] = [:]) { self.records = records }

  /// The source's queries, keys and values at an attention site; nil if the site is not read in this step.
  public func inputs(at site: AttentionSite) -> AttentionInputs? { records[site.index] }

  /// Returns the source's probabilities at an attention site, heads x queries x keys; nil if the site is not read in
  /// this step.
  ///
  /// They are computed once for all targets of a step.
  public func probabilities(at site: AttentionSite) -> Tensor? {
    if let known = probabilities[site.index] { return known }
    let result = records[site.index]?.probabilities()
    probabilities[site.index] = result
    return result
  }
}

extension AttentionInputs {
  /// The memory that the cached inputs take.
  ///
  /// In cross-attention only the queries count, because the keys and values of a text are the same in all steps.
  var byteCount: Int { 4 * (query.count + (site.isCross ? 0 : key.count + value.count)) }
}

/// Records the inputs of attention sites during an evaluation, without changing it.
final class AttentionRecorder: AttentionControl {
  private let records: (AttentionSite) -> Bool
  private(set) var found: [Int: AttentionInputs] = [:]

  init(where records: @escaping (AttentionSite) -> Bool) { self.records = records }

  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
  {
    if records(site) {
      found[site.index] = AttentionInputs(
        site: site, attention: attention, query: query, key: key, value: value)
    }
    return nil
  }
}
