internal import DiffusionCore

/// How an inverted picture is edited.
///
/// The defaults are those of Prompt-to-Prompt. Codable, so that an edit can be kept as a JSON recipe and replayed; what a
/// recipe leaves out has its default.
///
///     var options = EditOptions()
///     options.promptToPrompt?.selfSteps = 0.6
///     options.blend = LocalBlend("cat", "tiger")
public struct EditOptions: Sendable, Hashable {
  /// The strength of classifier-free guidance; nil for the inversion's own.
  public var guidance: Double?
  /// What keeps the picture together while its words change.
  public var control: EditControl
  /// Keeps the source outside of the regions that some words attend to.
  public var blend: LocalBlend?
  /// Keeps the source outside of a region.
  public var mask: EditMask?
  /// Follows the new prompt only where it differs from the null embedding.
  public var proximal: ProximalGuidance?
  /// How steps follow from the predictions; nil for what the inversion's path is made for.
  public var stepRule: StepRule?
  /// Which null embedding the new prompt is guided away from.
  public var null = TargetNull.fitted
  /// Puts the source's latents in the place of the target's for the first part of the steps.
  public var spatialReplace: SpatialReplace?

  /// The defaults, or another control.
  public init(control: EditControl = .promptToPrompt()) { self.control = control }

  /// The settings of prompt-to-prompt; nil if the control is another.
  ///
  /// Setting them chooses the control.
  public var promptToPrompt: PromptToPrompt? {
    get { if case .promptToPrompt(let settings) = control { settings } else { nil } }
    set { if let newValue { control = .promptToPrompt(newValue) } }
  }

  /// Refuses what makes no sense whatever the prompts.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws {
    if let guidance { try GuidedStep.validate(guidance: guidance) }
    try control.policy.validate()
    try blend?.validate()
    try mask?.validate()
    try proximal?.validate()
    try stepRule?.maker.validate()
    try null.validate()
  }
}

/// The stored form is flat: the settings of prompt-to-prompt stand beside the others.
extension EditOptions: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case guidance, control, controller, crossSteps, crossStepsOfWords, selfSteps, selfGrid, emphasis, blend
    case mask, proximal, spatialReplace, stepRule, null
  }

  /// The keys of the stored form.
  package static var storedKeys: [String] { Key.allCases.map(\.rawValue) }

  /// Among a decoder's user information: the options of which those are taken that are left out.
  package static let base = CodingUserInfoKey(rawValue: "EditOptions.base")

  /// Reads a recipe; what it leaves out has its default.
  ///
  /// - Throws: `InputError(.mismatch)` if it has emphasis or windows of words with another control than prompt-to-prompt.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let base = Self.base.flatMap { decoder.userInfo[$0] as? EditOptions } ?? EditOptions()
    self.init(control: try values.decodeIfPresent(EditControl.self, forKey: .control) ?? base.control)
    guidance = try values.decodeIfPresent(Double.self, forKey: .guidance) ?? base.guidance
    var words = base.promptToPrompt ?? PromptToPrompt()
    try values.read(.controller, into: &words.controller)
    try values.read(.crossSteps, into: &words.crossSteps)
    try values.read(.crossStepsOfWords, into: &words.crossStepsOfWords)
    try values.read(.selfSteps, into: &words.selfSteps)
    try values.read(.selfGrid, into: &words.selfGrid)
    try values.read(.emphasis, into: &words.emphasis)
    if promptToPrompt != nil {
      promptToPrompt = words
    } else if !words.emphasis.isEmpty || !words.crossStepsOfWords.isEmpty {
      throw InputError(.mismatch, "Emphasis and windows of words need prompt-to-prompt control.")
    }
    blend = try values.decodeIfPresent(LocalBlend.self, forKey: .blend)
    mask = try values.decodeIfPresent(EditMask.self, forKey: .mask)
    proximal = try values.decodeIfPresent(ProximalGuidance.self, forKey: .proximal)
    spatialReplace = try values.decodeIfPresent(SpatialReplace.self, forKey: .spatialReplace)
    stepRule = try values.decodeIfPresent(StepRule.self, forKey: .stepRule) ?? base.stepRule
    null = try values.decodeIfPresent(TargetNull.self, forKey: .null) ?? base.null
  }

  /// Writes all options; newer ones that are as published leave nothing.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeIfPresent(guidance, forKey: .guidance)
    try values.encode(control, forKey: .control)
    if let words = promptToPrompt {
      try values.encode(words.controller, forKey: .controller)
      try values.encode(words.crossSteps, forKey: .crossSteps)
      try values.encode(words.crossStepsOfWords, forKey: .crossStepsOfWords)
      try values.encode(words.selfSteps, forKey: .selfSteps)
      try values.encode(words.selfGrid, forKey: .selfGrid)
      try values.encode(words.emphasis, forKey: .emphasis)
    }
    try values.encodeIfPresent(blend, forKey: .blend)
    try values.encodeIfPresent(mask, forKey: .mask)
    try values.encodeIfPresent(proximal, forKey: .proximal)
    try values.encodeIfPresent(spatialReplace, forKey: .spatialReplace)
    try values.encodeIfPresent(stepRule, forKey: .stepRule)
    if null != .fitted { try values.encode(null, forKey: .null) }
  }
}
