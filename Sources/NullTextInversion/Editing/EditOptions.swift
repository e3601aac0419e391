internal import DiffusionCore

/// The options of an edit.
///
/// The defaults are those of prompt-to-prompt. The type is Codable, so that an edit can be stored as a JSON recipe
/// and repeated; keys that a recipe omits have the default values.
///
/// ```swift
/// var options = EditOptions()
/// options.promptToPrompt?.selfSteps = 0.6
/// options.blend = LocalBlend("cat", "tiger")
/// ```
public struct EditOptions: Sendable, Hashable {
  /// The guidance scale, 0 to 100; nil for that of the inversion.
  public var guidance: Double?
  /// The editing policy that preserves the source while the words change.
  public var control: EditControl
  /// The local blend, which keeps the source outside the regions attended to by given words; nil for none.
  public var blend: LocalBlend?
  /// The user mask, which keeps the source outside a region; nil for none.
  public var mask: EditMask?
  /// Proximal guidance, which ignores small differences between the predictions for the prompt and for the null
  /// embedding; nil for plain guidance.
  public var proximal: ProximalGuidance?
  /// The rule that computes a step from the predictions; nil for the default rule of the inversion's trajectory.
  public var stepRule: StepRule?
  /// The null embedding of the target's guidance.
  public var null = TargetNull.fitted
  /// Replaces the target's latents by the source's in the first part of the steps; nil for no replacement.
  public var spatialReplace: SpatialReplace?

  /// Creates the default options with a given control.
  public init(control: EditControl = .promptToPrompt()) { self.control = control }

  /// The settings of prompt-to-prompt; nil if another control is selected.
  ///
  /// Setting a value selects prompt-to-prompt control.
  public var promptToPrompt: PromptToPrompt? {
    get { if case .promptToPrompt(let settings) = control { settings } else { nil } }
    set { if let newValue { control = .promptToPrompt(newValue) } }
  }

  /// Validates the options that do not depend on the prompts.
  ///
  /// - Throws: `InputError` that names the invalid option and its valid range.
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

/// The stored form is flat: the settings of prompt-to-prompt are stored beside the other options.
extension EditOptions: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case guidance, control, controller, crossSteps, crossStepsOfWords, selfSteps, selfGrid, emphasis, blend
    case mask, proximal, spatialReplace, stepRule, null
  }

  /// The keys of the stored form.
  package static var storedKeys: [String] { Key.allCases.map(\.rawValue) }

  /// The key, in a decoder's user information, of options that provide the values missing in a recipe.
  ///
  /// The blend, the mask, proximal guidance and spatial replacement are not taken from them.
  package static let base = CodingUserInfoKey(rawValue: "EditOptions.base")

  /// Decodes a recipe; missing keys have the default values.
  ///
  /// - Throws: `InputError(.mismatch)` if it has emphasis or word windows with a control other than prompt-to-prompt.
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
      throw InputError(
        .mismatch,
        "Emphasis and word windows need prompt-to-prompt control. Remove them or change the control.")
    }
    blend = try values.decodeIfPresent(LocalBlend.self, forKey: .blend)
    mask = try values.decodeIfPresent(EditMask.self, forKey: .mask)
    proximal = try values.decodeIfPresent(ProximalGuidance.self, forKey: .proximal)
    spatialReplace = try values.decodeIfPresent(SpatialReplace.self, forKey: .spatialReplace)
    stepRule = try values.decodeIfPresent(StepRule.self, forKey: .stepRule) ?? base.stepRule
    null = try values.decodeIfPresent(TargetNull.self, forKey: .null) ?? base.null
  }

  /// Encodes all options; `stepRule` and `null` are omitted when they have the default value.
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
