/// The fingerprints by which inversions of a model are known, those that earlier versions wrote included.
package struct ModelIdentity: Sendable, Equatable {
  /// The model's fingerprint.
  package let fingerprint: String
  private let earlierFingerprint: String?

  /// - Throws: `InputError` if a part of the checkpoint is missing or damaged.
  package init(of checkpoint: Checkpoint) throws {
    fingerprint = try checkpoint.modelFingerprint()
    earlierFingerprint = try checkpoint.earlierFingerprint()
  }

  /// The identity that a file states.
  package init(_ fingerprint: String) {
    self.fingerprint = fingerprint
    earlierFingerprint = nil
  }

  /// Whether a fingerprint, of whatever version, is of this model.
  package func isStated(by fingerprint: String) -> Bool {
    fingerprint == self.fingerprint || fingerprint == earlierFingerprint
  }
}
