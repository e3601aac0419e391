internal import DiffusionCore

/// How a picture is inverted. The defaults are those of the published method.
public struct InversionOptions: Sendable, Equatable, Codable {
  /// How the null embeddings are found.
  public var method: InversionMethod = .nullText
  /// The number of sampling steps, T.
  public var steps = 50
  /// The strength of classifier-free guidance under which the picture is to be reproduced.
  public var guidance = 7.5
  /// The most inner iterations a step may take.
  public var innerSteps = 10
  /// The loss under which the first step stops; each following step allows 2e-5 more.
  public var earlyStop = 1e-5

  /// The published recipe.
  public init() {}

  /// Refuses what makes no sense, before any work.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws(InputError) {
    guard (1...1000).contains(steps) else {
      throw InputError(.outOfRange, "\(steps) steps: ask for 1 to 1000.")
    }
    // The learning rate falls by a hundredth of its start with each step and would be zero at the 101st.
    guard steps <= 100 || (method != .nullText && method != .globalNullText) || innerSteps == 0 else {
      throw InputError(
        .outOfRange,
        "\(steps) steps: null-text optimisation is defined for at most 100, since its learning rate reaches zero there.")
    }
    guard guidance.isFinite, (0...100).contains(guidance) else {
      throw InputError(.outOfRange, "guidance \(guidance): ask for 0 to 100.")
    }
    guard (0...1000).contains(innerSteps) else {
      throw InputError(.outOfRange, "\(innerSteps) inner steps: ask for 0 to 1000.")
    }
    guard earlyStop.isFinite, earlyStop >= 0 else {
      throw InputError(.outOfRange, "early stop at \(earlyStop): ask for zero or a small positive number.")
    }
  }
}
