/// The fingerprints that identify a model in inversions, including that of earlier versions.
package struct ModelIdentity: Sendable, Equatable {
  /// The model's fingerprint.
  package let fingerprint: String
  private let earlierFingerprint: String?

  /// - Throws: `InputError` if a part of the checkpoint is missing or damaged.
  package init(of checkpoint: Checkpoint) throws {
    fingerprint = try checkpoint.modelFingerprint()
    earlierFingerprint = try checkpoint.earlierFingerprint()
  }

  /// Creates the identity that consists of one fingerprint, read from a file.
  package init(_ fingerprint: String) {
    self.fingerprint = fingerprint
    earlierFingerprint = nil
  }

  /// Returns whether a fingerprint, current or from an earlier version, identifies this model.
  package func isIdentified(by fingerprint: String) -> Bool {
    fingerprint == self.fingerprint || fingerprint == earlierFingerprint
  }
}
