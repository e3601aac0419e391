/// Replaces the target's latent by the source's after each step, except in the last part of the steps.
///
/// The target then has the source's layout and differs only in the last steps. In the published code, this controller
/// has no step counter and cannot run; here, the counter is the number of finished steps, starting at 1.
public struct SpatialReplace: Sendable, Hashable {
  /// The share of the steps, at the end, without replacement.
  public let stopInject: Double

  /// Creates a replacement that stops before the last `stopInject` of the steps.
  ///
  /// - Throws: `InputError` of kind `outOfRange` unless the share is between 0 and 1.
  public init(stopInject: Double) throws {
    guard 0...1 ~= stopInject else {
      throw InputError(
        .outOfRange,
        "The share of the steps without spatial replacement is \(stopInject), but must be between 0 and 1.")
    }
    self.stopInject = stopInject
  }

  /// Whether the source's latent replaces the target's after a step of `steps`; step 0 is the noisiest.
  package func isActive(step: Int, of steps: Int) -> Bool { step + 1 < Int((1 - stopInject) * Double(steps)) }
}

extension SpatialReplace: Codable {
  private enum CodingKeys: String, CodingKey { case stopInject }

  /// Decodes a replacement and validates its share.
  public init(from decoder: any Decoder) throws {
    try self.init(
      stopInject: decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .stopInject))
  }
}
