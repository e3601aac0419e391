internal import DiffusionCore

/// How an inverted picture is edited.
///
/// The defaults are those of Prompt-to-Prompt.
/// Codable, so that an edit can be kept as a JSON recipe and replayed; what a recipe leaves out has its default.
public struct EditOptions: Sendable, Hashable {
  /// The strength of classifier-free guidance; nil for the inversion's own.
  public var guidance: Double?
  /// What keeps the picture together while its words change.
  public var control = EditControl.promptToPrompt
  /// How the words of the two prompts are matched.
  public var controller = ControllerChoice.auto
  /// The steps in which words that both prompts have look where they looked in the source.
  public var crossSteps: StepWindow = 0.8
  /// Steps for single words of the new prompt, instead of `crossSteps`.
  public var crossStepsOfWords: [WordWindow] = []
  /// The steps in which the picture's parts look at each other as in the source: the higher, the more of its layout stays.
  public var selfSteps: StepWindow = 0.4
  /// The side of the largest grid whose self-attention is taken from the source.
  public var selfGrid = 32
  /// Factors of the attention to single words.
  public var emphasis: [Emphasis] = []
  /// Keeps the source outside of where some words look.
  public var blend: LocalBlend?
  /// Keeps the source outside of a region.
  public var mask: EditMask?
  /// Follows the new prompt only where it says something else than the null embedding.
  public var proximal: ProximalGuidance?
  /// Puts the source's latents in the place of the target's for the first part of the steps.
  public var spatialReplace: SpatialReplace?

  /// The defaults.
  public init() {}

  /// Refuses what makes no sense whatever the prompts.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws {
    if let guidance, !guidance.isFinite || !(0...100).contains(guidance) {
      throw InputError(.outOfRange, "guidance \(guidance): ask for 0 to 100.")
    }
    guard (0...4096).contains(selfGrid) else {
      throw InputError(.outOfRange, "a self-attention grid of \(selfGrid): ask for 0 to 4096.")
    }
    try control.validate()
    try blend?.validate()
    try mask?.validate()
    try proximal?.validate()
  }
}

/// What keeps a picture together while its words change.
public enum EditControl: Sendable, Hashable {
  /// Attention control by the words that changed (Hertz et al. 2022).
  case promptToPrompt
  /// Nothing: the new prompt alone walks the path.
  case none
  /// The target's self-attention reads the source's keys and values, for changes of pose (Cao et al. 2023).
  ///
  /// From the step at the fraction `start` on, at the attentions from number `firstLayer` on, counted over the network's
  /// transformer blocks, and at grids of up to `largestGrid` a side; nil for all.
  case mutualSelfAttention(start: Double = 0.08, firstLayer: Int = 0, largestGrid: Int? = nil)
  /// The new prompt walks only the last `strength` of the path (Meng et al. 2022, on the inverted trajectory).
  case lateStart(strength: Double)

  func validate() throws {
    switch self {
    case .promptToPrompt, .none: return
    case .mutualSelfAttention(let start, let firstLayer, let largestGrid):
      guard (0...1).contains(start), firstLayer >= 0 else {
        throw InputError(
          .outOfRange, "mutual self-attention from \(start) at layer \(firstLayer): ask for 0 to 1, from 0.")
      }
      if let largestGrid, !(1...4096).contains(largestGrid) {
        throw InputError(
          .outOfRange, "mutual self-attention up to a grid of \(largestGrid): ask for 1 to 4096.")
      }
    case .lateStart(let strength):
      guard (0...1).contains(strength) else {
        throw InputError(.outOfRange, "a strength of \(strength): ask for 0 to 1.")
      }
    }
  }
}

extension EditControl: Codable {
  private enum Key: String, CodingKey { case kind, start, firstLayer, largestGrid, strength }
  private enum Kind: String, Codable { case promptToPrompt, none, mutualSelfAttention, lateStart }

  /// Reads the kind, and what belongs to it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    switch try values.decode(Kind.self, forKey: .kind) {
    case .promptToPrompt: self = .promptToPrompt
    case .none: self = .none
    case .mutualSelfAttention:
      self = .mutualSelfAttention(
        start: try values.decodeIfPresent(Double.self, forKey: .start) ?? 0.08,
        firstLayer: try values.decodeIfPresent(Int.self, forKey: .firstLayer) ?? 0,
        largestGrid: try values.decodeIfPresent(Int.self, forKey: .largestGrid))
    case .lateStart: self = .lateStart(strength: try values.decode(Double.self, forKey: .strength))
    }
  }

  /// Writes the kind, and what belongs to it.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .promptToPrompt: try values.encode(Kind.promptToPrompt, forKey: .kind)
    case .none: try values.encode(Kind.none, forKey: .kind)
    case .mutualSelfAttention(let start, let firstLayer, let largestGrid):
      try values.encode(Kind.mutualSelfAttention, forKey: .kind)
      try values.encode(start, forKey: .start)
      try values.encode(firstLayer, forKey: .firstLayer)
      try values.encodeIfPresent(largestGrid, forKey: .largestGrid)
    case .lateStart(let strength):
      try values.encode(Kind.lateStart, forKey: .kind)
      try values.encode(strength, forKey: .strength)
    }
  }
}

extension EditOptions: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case guidance, control, controller, crossSteps, crossStepsOfWords, selfSteps, selfGrid, emphasis, blend,
      mask
    case proximal, spatialReplace
  }

  /// Reads a recipe; what it leaves out has its default.
  public init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: Key.self)
    func read<T: Decodable>(_ key: Key, into value: inout T) throws {
      value = try values.decodeIfPresent(T.self, forKey: key) ?? value
    }
    guidance = try values.decodeIfPresent(Double.self, forKey: .guidance)
    try read(.control, into: &control)
    try read(.controller, into: &controller)
    try read(.crossSteps, into: &crossSteps)
    try read(.crossStepsOfWords, into: &crossStepsOfWords)
    try read(.selfSteps, into: &selfSteps)
    try read(.selfGrid, into: &selfGrid)
    try read(.emphasis, into: &emphasis)
    blend = try values.decodeIfPresent(LocalBlend.self, forKey: .blend)
    mask = try values.decodeIfPresent(EditMask.self, forKey: .mask)
    proximal = try values.decodeIfPresent(ProximalGuidance.self, forKey: .proximal)
    spatialReplace = try values.decodeIfPresent(SpatialReplace.self, forKey: .spatialReplace)
  }
}
