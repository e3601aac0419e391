internal import DiffusionCore

/// An inversion method: the computation of the null embeddings that make guided sampling reproduce the image.
///
/// Each case has the settings of its method. Costs are given in forward and backward evaluations of the network for T
/// steps, including T for the pivots. `Docs/Methods.md` compares the methods.
public enum InversionMethod: Sendable, Hashable {
  /// Optimizes one null embedding per step so that guided sampling follows the pivots (Mokady et al. 2022).
  ///
  /// Cost: 3T + n forward and n backward evaluations, n ≤ 10 T. Suitable when the reconstruction must be accurate at full
  /// guidance, with any editing policy.
  case nullText(NullText = NullText())
  /// Uses the caption's embedding as the null embedding, so that guidance cancels (Miyake et al. 2023).
  ///
  /// Cost: 2T forward evaluations, 3T with interpolation. Suitable when speed matters more than the quality of the
  /// reconstruction.
  case negativePrompt(NegativePrompt = NegativePrompt())
  /// Uses the pivots as the source trajectory of every edit, with the embedding of the empty text (Ju et al. 2023).
  ///
  /// Cost: T forward evaluations. The source is exact by construction. Suitable for edits with attention control.
  case direct
  /// Samples with the embedding of the empty text, without optimization.
  ///
  /// Cost: 3T forward evaluations. This is the baseline; with guidance it drifts away from the image.
  case ddim
  /// Optimizes one null embedding for all steps, in sweeps over the whole trajectory.
  ///
  /// Cost: 3T forward evaluations, and per sweep 3T forward and T backward evaluations. This is an ablation of the
  /// paper; it converges slowly.
  case globalNullText(GlobalNullText = GlobalNullText())

  /// The names of the methods in files and options.
  public enum Name: String, Sendable, Codable, CaseIterable {
    /// ``InversionMethod/nullText(_:)``.
    case nullText
    /// ``InversionMethod/negativePrompt(_:)``.
    case negativePrompt
    /// ``InversionMethod/direct``.
    case direct
    /// ``InversionMethod/ddim``.
    case ddim
    /// ``InversionMethod/globalNullText(_:)``.
    case globalNullText
  }

  /// The name of the method.
  public var name: Name {
    switch self {
    case .nullText: .nullText
    case .negativePrompt: .negativePrompt
    case .direct: .direct
    case .ddim: .ddim
    case .globalNullText: .globalNullText
    }
  }

  /// Creates a method with its default settings.
  public init(_ name: Name) {
    self =
      switch name {
      case .nullText: .nullText()
      case .negativePrompt: .negativePrompt()
      case .direct: .direct
      case .ddim: .ddim
      case .globalNullText: .globalNullText()
      }
  }

  /// The implementation of the method.
  var walk: any InversionWalk {
    switch self {
    case .nullText(let settings): settings
    case .negativePrompt(let settings): settings
    case .direct: DirectInversion()
    case .ddim: PlainDDIM()
    case .globalNullText(let settings): settings
    }
  }
}

/// The implementation of an inversion method: computes the null embeddings and the trajectory of an inversion with
/// complete pivots.
protocol InversionWalk {
  /// Validates the settings.
  ///
  /// - Parameter steps: The number of sampling steps.
  func validate(steps: Int) throws(InputError)

  /// Returns the maximum number of evaluations in `steps` steps, without those of the pivots.
  func mostEvaluations(steps: Int) -> EvaluationCount

  /// Returns the minimum number of evaluations; equal to the maximum if no step can stop early.
  func leastEvaluations(steps: Int) -> EvaluationCount

  /// Completes the inversion from its current state; its trajectory contains at least the last pivot.
  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws
}

extension InversionWalk {
  func validate(steps: Int) throws(InputError) {}
  func leastEvaluations(steps: Int) -> EvaluationCount { mostEvaluations(steps: steps) }
}
