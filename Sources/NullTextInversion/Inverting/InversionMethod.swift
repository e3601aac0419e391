internal import DiffusionCore

/// A way of filling an `Inversion`: which null embeddings make the guided walk follow the picture.
///
/// Each case carries the settings of its method and nothing else. Costs are in evaluations of the network for T steps,
/// forwards and backwards; all include the T of the pivots. `Docs/Methods.md` compares them.
public enum InversionMethod: Sendable, Hashable {
  /// Fits one null embedding per step so that the guided walk stays on the pivots (Mokady et al. 2022).
  ///
  /// 3T + n forwards and n backwards, n ≤ 10 T. Choose it when the reconstruction must hold under full guidance, with
  /// any editor.
  case nullText(NullText = NullText())
  /// Takes the caption's own embedding as the null embedding, where guidance cancels (Miyake et al. 2023).
  ///
  /// 2T forwards, 3T with an interpolation. Choose it for speed, where a slightly weaker reconstruction is enough.
  case negativePrompt(NegativePrompt = NegativePrompt())
  /// Replays the pivots as the source of every edit, with the embedding of the empty text (Ju et al. 2023).
  ///
  /// T forwards. The source is exact by construction; choose it where edits with attention control are all that is wanted.
  case direct
  /// Walks with the embedding of the empty text, with no optimisation at all.
  ///
  /// 3T forwards. The baseline: under guidance it drifts away from the picture.
  case ddim
  /// Fits one null embedding for all steps together, in sweeps over the whole walk.
  ///
  /// 3T forwards and 3T more for each sweep, T for each backwards. The paper's ablation: the smallest result, and slow to converge.
  case globalNullText(GlobalNullText = GlobalNullText())

  /// The methods by the names that files and options use.
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

  /// The method's name.
  public var name: Name {
    switch self {
    case .nullText: .nullText
    case .negativePrompt: .negativePrompt
    case .direct: .direct
    case .ddim: .ddim
    case .globalNullText: .globalNullText
    }
  }

  /// A method with its default settings.
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

  /// The way to fill an inversion.
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

/// A method at work: fills the null embeddings and the trajectory of an inversion whose pivots are complete.
protocol InversionWalk {
  /// Refuses settings that make no sense.
  ///
  /// - Parameter steps: the number of sampling steps.
  func validate(steps: Int) throws(InputError)

  /// The most evaluations that it makes in `steps` steps, those of the pivots not counted.
  func mostEvaluations(steps: Int) -> EvaluationCount

  /// The fewest, the same where no step can end early.
  func leastEvaluations(steps: Int) -> EvaluationCount

  /// Continues from wherever the inversion stands; its trajectory holds at least the last pivot.
  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws
}

extension InversionWalk {
  func validate(steps: Int) throws(InputError) {}
  func leastEvaluations(steps: Int) -> EvaluationCount { mostEvaluations(steps: steps) }
}
