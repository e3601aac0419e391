internal import DiffusionCore

/// The editing policies of this library, each with its settings; Codable, so that recipes can name them.
public enum EditControl: Sendable, Hashable {
  /// Attention control by the words that changed (Hertz et al. 2022).
  case promptToPrompt(PromptToPrompt = PromptToPrompt())
  /// Nothing: the new prompt alone walks the path.
  case none
  /// The target's self-attention reads the source's keys and values, for changes of pose (Cao et al. 2023).
  case masaCtrl(MasaCtrl = MasaCtrl())
  /// The new prompt walks only the last part of the path (Meng et al. 2022, on the inverted trajectory).
  case sdEdit(SDEdit)
  /// What some words of the caption name is taken out of the picture.
  case removal(ObjectRemoval)

  /// The policy with its settings.
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
    // The names of older recipes.
    case mutualSelfAttention, lateStart
  }

  /// Reads the kind and its settings, but for those of prompt-to-prompt, which stand beside it in a recipe.
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

  /// Writes the kind and its settings, but for those of prompt-to-prompt.
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
