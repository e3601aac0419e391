internal import DiffusionCore

/// An editing policy of this library with its settings, in a form that recipes can store.
public enum EditControl: Sendable, Hashable {
  /// Prompt-to-prompt attention control (Hertz et al. 2022).
  case promptToPrompt(PromptToPrompt = PromptToPrompt())
  /// No attention control: sampling with the new prompt alone.
  case none
  /// Self-attention with the source's keys and values, for changes of pose (Cao et al. 2023).
  case masaCtrl(MasaCtrl = MasaCtrl())
  /// Sampling of the last part of the trajectory only (Meng et al. 2022, on the inverted trajectory).
  case sdEdit(SDEdit)
  /// Removal of the objects that words of the caption name.
  case removal(ObjectRemoval)

  /// The editing policy with its settings.
  public var policy: any EditingPolicy {
    switch self {
    case .promptToPrompt(let policy): policy
    case .none: NoControl()
    case .masaCtrl(let policy): policy
    case .sdEdit(let policy): policy
    case .removal(let policy): policy
    }
  }
}

extension EditControl: Codable {
  private enum Key: String, CodingKey {
    case kind, start, firstLayer, largestGrid, strength, words, keptOut, threshold, steps
  }
  private enum Kind: String, Codable {
    case promptToPrompt, none, masaCtrl, sdEdit, removal
    // The names in older recipes.
    case mutualSelfAttention, lateStart
  }

  /// Decodes the kind and its settings, except those of prompt-to-prompt, which a recipe stores at its top level.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    switch try values.decode(Kind.self, forKey: .kind) {
    case .promptToPrompt: self = .promptToPrompt()
    case .none: self = .none
    case .masaCtrl, .mutualSelfAttention:
      var policy = MasaCtrl()
      try values.read(.start, into: &policy.start)
      try values.read(.firstLayer, into: &policy.firstLayer)
      policy.largestGrid = try values.decodeIfPresent(Int.self, forKey: .largestGrid)
      self = .masaCtrl(policy)
    case .sdEdit, .lateStart:
      self = .sdEdit(SDEdit(strength: try values.decode(Double.self, forKey: .strength)))
    case .removal:
      var policy = ObjectRemoval(words: try values.decode([String].self, forKey: .words))
      try values.read(.keptOut, into: &policy.keptOut)
      try values.read(.threshold, into: &policy.threshold)
      try values.read(.steps, into: &policy.steps)
      self = .removal(policy)
    }
  }

  /// Encodes the kind and its settings, except those of prompt-to-prompt.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .promptToPrompt: try values.encode(Kind.promptToPrompt, forKey: .kind)
    case .none: try values.encode(Kind.none, forKey: .kind)
    case .masaCtrl(let policy):
      try values.encode(Kind.masaCtrl, forKey: .kind)
      try values.encode(policy.start, forKey: .start)
      try values.encode(policy.firstLayer, forKey: .firstLayer)
      try values.encodeIfPresent(policy.largestGrid, forKey: .largestGrid)
    case .sdEdit(let policy):
      try values.encode(Kind.sdEdit, forKey: .kind)
      try values.encode(policy.strength, forKey: .strength)
    case .removal(let policy):
      try values.encode(Kind.removal, forKey: .kind)
      try values.encode(policy.words, forKey: .words)
      try values.encode(policy.keptOut, forKey: .keptOut)
      try values.encode(policy.threshold, forKey: .threshold)
      try values.encode(policy.steps, forKey: .steps)
    }
  }
}
