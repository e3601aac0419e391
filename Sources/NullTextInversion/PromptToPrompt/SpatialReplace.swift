/// Puts the source's latent in the place of the target's after each step but those of the last part.
///
/// The target thereby follows the source's layout, and goes its own way only in the end. In the published code this
/// controller counts no steps and cannot run; here the count is of the steps finished, the first being 1.
public struct SpatialReplace: Sendable, Hashable {
  /// The last part of the steps, as a fraction, in which the target is left alone.
  public let stopInject: Double

  /// A replacement that ends with the last `stopInject` of the steps.
  ///
  /// - Throws: `InputError` of kind `outOfRange` unless the fraction is from 0 to 1.
  public init(stopInject: Double) throws {
    guard 0...1 ~= stopInject else {
      throw InputError(
        .outOfRange, "The part of the steps left free is \(stopInject); give a fraction from 0 to 1.")
    }
    self.stopInject = stopInject
  }

  /// Whether the source's latent is put in place after a step (0 is the noisiest) of `steps`.
  package func isActive(step: Int, of steps: Int) -> Bool { step + 1 < Int((1 - stopInject) * Double(steps)) }
}

extension SpatialReplace: Codable {
  private enum CodingKeys: String, CodingKey { case stopInject }

  /// Reads a replacement, and checks its fraction.
  public init(from decoder: any Decoder) throws {
    try self.init(
      stopInject: decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .stopInject))
  }
}
