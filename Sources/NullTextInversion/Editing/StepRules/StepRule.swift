internal import DiffusionCore
internal import Tensor

/// The rule that computes the steps of an edit from the network's predictions.
///
/// Attention control determines how the predictions depend on the source; the step rule determines how the next
/// latent follows from them. Every rule works with every control.
public enum StepRule: Sendable, Hashable {
  /// Classifier-free guidance and the sampler's step: the default for inverted trajectories.
  case guided
  /// The source's own step plus the difference between the guided predictions of target and source: the default for
  /// pivots of independent noise.
  case difference(DifferenceRule = DifferenceRule())
  /// The source's step with guidance toward the new prompt and away from the caption (Nguyen et al. 2025).
  case hEdit(HEdit = HEdit())

  var maker: any TargetStepMaker {
    switch self {
    case .guided: GuidedRule()
    case .difference(let rule): rule
    case .hEdit(let rule): rule
    }
  }
}

/// The implementation of a step rule.
protocol TargetStepMaker: Sendable {
  /// Validates the settings.
  func validate() throws(InputError)

  /// The number of steps between the current step and the later position whose attention is controlled.
  var attentionLead: Int { get }

  /// The source's own predictions that the rule reads.
  var sourcePredictions: SourcePredictions { get }

  /// Returns the texts to evaluate in a step: one list for each latent at which predictions are made.
  func evaluations(guidance: Double) -> [[PredictedText]]

  /// Returns the target's latent after a step.
  func latent(after step: TargetStep) throws -> Tensor
}

extension TargetStepMaker {
  func validate() throws(InputError) {}
  var attentionLead: Int { 0 }
  var sourcePredictions: SourcePredictions { [] }
}

/// The source's predictions that a step reads.
struct SourcePredictions: OptionSet {
  let rawValue: Int
  /// The prediction under the caption.
  static let caption = SourcePredictions(rawValue: 1)
  /// The prediction under the null embedding.
  static let null = SourcePredictions(rawValue: 2)
}

/// A text for a prediction of the target.
enum PredictedText: Hashable {
  /// The null embedding.
  case null
  /// The caption of the source, without attention control.
  case caption
  /// The new prompt, with attention control.
  case prompt
}

extension StepRule: Codable {
  private enum Key: String, CodingKey { case kind, sourceGuidance, implicit }
  private enum Kind: String, Codable { case guided, difference, hEdit }

  /// Decodes the kind and its settings; missing keys have the default values.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    switch try values.decode(Kind.self, forKey: .kind) {
    case .guided: self = .guided
    case .difference:
      var rule = DifferenceRule()
      try values.read(.sourceGuidance, into: &rule.sourceGuidance)
      self = .difference(rule)
    case .hEdit:
      var rule = HEdit()
      try values.read(.sourceGuidance, into: &rule.sourceGuidance)
      try values.read(.implicit, into: &rule.isImplicit)
      self = .hEdit(rule)
    }
  }

  /// Encodes the kind and its settings.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .guided: try values.encode(Kind.guided, forKey: .kind)
    case .difference(let rule):
      try values.encode(Kind.difference, forKey: .kind)
      try values.encode(rule.sourceGuidance, forKey: .sourceGuidance)
    case .hEdit(let rule):
      try values.encode(Kind.hEdit, forKey: .kind)
      try values.encode(rule.sourceGuidance, forKey: .sourceGuidance)
      try values.encode(rule.isImplicit, forKey: .implicit)
    }
  }
}
