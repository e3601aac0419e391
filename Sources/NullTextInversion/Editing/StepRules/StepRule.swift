internal import DiffusionCore
internal import Tensor

/// How the steps of an edit follow from the network's predictions.
///
/// The attention control decides what the predictions see of the source; the rule decides what becomes of them. Every rule
/// works with every control.
public enum StepRule: Sendable, Hashable {
  /// Classifier-free guidance and the sampler's step: the default on the path of an inversion.
  case guided
  /// The source's own step, and the difference between the guided predictions of target and source: the default on paths
  /// of independent noise.
  case difference(DifferenceRule = DifferenceRule())
  /// The source's step carried over to the target, and guidance towards the new prompt and away from the caption
  /// (Nguyen et al. 2025).
  case hEdit(HEdit = HEdit())

  var maker: any TargetStepMaker {
    switch self {
    case .guided: GuidedRule()
    case .difference(let rule): rule
    case .hEdit(let rule): rule
    }
  }
}

/// A step rule at work: makes a target's steps.
protocol TargetStepMaker: Sendable {
  /// Refuses settings that make no sense.
  func validate() throws(InputError)

  /// By how many steps the attention that is controlled is ahead of the step.
  var attentionLead: Int { get }

  /// What is read of the source's own predictions.
  var sourcePredictions: SourcePredictions { get }

  /// The evaluations of the target in a step: what is predicted at each of its latents.
  func evaluations(guidance: Double) -> [[PredictedText]]

  /// The target's latent after a step.
  func latent(after step: TargetStep) throws -> Tensor
}

extension TargetStepMaker {
  func validate() throws(InputError) {}
  var attentionLead: Int { 0 }
  var sourcePredictions: SourcePredictions { [] }
}

/// The predictions of the source that a step reads.
struct SourcePredictions: OptionSet {
  let rawValue: Int
  /// That under the caption.
  static let caption = SourcePredictions(rawValue: 1)
  /// That under the null embedding.
  static let null = SourcePredictions(rawValue: 2)
}

/// A text under which a prediction is made for the target.
enum PredictedText: Hashable {
  /// The null embedding.
  case null
  /// The caption of the source, under no control.
  case caption
  /// The new prompt, under attention control.
  case prompt
}

extension StepRule: Codable {
  private enum Key: String, CodingKey { case kind, sourceGuidance, implicit }
  private enum Kind: String, Codable { case guided, difference, hEdit }

  /// Reads the kind and its settings; what they leave out has its default.
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

  /// Writes the kind and its settings.
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
