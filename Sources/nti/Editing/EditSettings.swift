internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// The options of an edit.
///
/// An option that is not given comes from the recipe, the model's recommendation, or the publication, in this order.
struct EditSettings: ParsableArguments {
  @OptionGroup(title: "Words and windows") var words: WordSettings
  @OptionGroup(title: "Region of the change") var region: RegionSettings
  @OptionGroup(title: "Other controls") var other: ControlSettings
}

extension EditSettings {
  /// Returns `base` with these settings applied, except for the windows to sweep.
  ///
  /// - Parameters:
  ///   - base: The options to start from.
  ///   - recommended: The recommendation, which gives the blend's grid if neither the settings nor `base` do.
  ///   - source: The words of the caption.
  ///   - target: The words of the new prompt.
  /// - Throws: `UsageError` for settings that cannot be combined; `InputError` if the mask's file cannot be used, or if
  ///   the recipe's word settings need another control.
  func options(
    over base: EditOptions, recommended: EditingRecommendation, source: PromptWords, target: PromptWords
  ) throws -> EditOptions {
    var options = base
    options.guidance = words.guidance ?? base.guidance
    options.control = try controlSetting(over: base.control)
    try checkControl(options.control)
    options.blend = try blendSetting(over: base.blend, source: source, target: target)
    options.blend?.grid = region.blendGrid ?? base.blend?.grid ?? recommended.blendGrid
    options.mask = try maskSetting(over: base.mask)
    options.proximal = try proximalSetting(over: base.proximal)
    options.spatialReplace = other.spatialReplace ?? base.spatialReplace
    options.null = other.nullEmbedding ?? base.null
    options.stepRule = try stepRuleSetting(over: base.stepRule, guidance: options.guidance)
    try UsageError.catching { try options.validate() }
    return options
  }

  /// Returns the options of a single edit: `base` with these settings and windows applied.
  ///
  /// - Throws: `UsageError` if several windows are given, and the errors of `options(over:recommended:source:target:)`.
  func singleEdit(
    over base: EditOptions, recommended: EditingRecommendation, source: PromptWords, target: PromptWords
  ) throws -> EditOptions {
    var options = try options(over: base, recommended: recommended, source: source, target: target)
    let (cross, own) = (crossWindows(over: base), selfWindows(over: base))
    guard cross.count == 1, own.count == 1 else {
      throw UsageError("Several windows are given to --cross-steps or --self-steps; give one.")
    }
    options.promptToPrompt?.crossSteps = cross[0]
    options.promptToPrompt?.selfSteps = own[0]
    return options
  }

  /// Returns the cross-attention windows for all words.
  func crossWindows(over base: EditOptions) -> [StepWindow] {
    let windows = words.crossSteps.flatMap(\.everywhere)
    return windows.isEmpty ? [(base.promptToPrompt ?? PromptToPrompt()).crossSteps] : windows
  }

  /// Returns the self-attention windows.
  func selfWindows(over base: EditOptions) -> [StepWindow] {
    words.selfSteps?.windows ?? [(base.promptToPrompt ?? PromptToPrompt()).selfSteps]
  }

  private func controlSetting(over base: EditControl) throws -> EditControl {
    let name = other.control ?? (other.remove.isEmpty ? base.name : .removal)
    guard other.remove.isEmpty || name == .removal else {
      throw UsageError("--remove needs --control removal.")
    }
    guard other.strength == nil || name == .sdedit else {
      throw UsageError("--strength needs --control sdedit.")
    }
    guard
      other.masactrlStart == nil && other.masactrlLayer == nil && other.masactrlGrid == nil
        || name == .masactrl
    else {
      throw UsageError("--masactrl-start, --masactrl-layer and --masactrl-grid need --control masactrl.")
    }
    if name != .promptToPrompt, case .promptToPrompt(let words) = base,
      !words.emphasis.isEmpty || !words.crossStepsOfWords.isEmpty
    {
      throw InputError(.mismatch, "Emphasis and windows of single words need --control prompt-to-prompt.")
    }
    switch name {
    case .promptToPrompt:
      guard case .promptToPrompt(let settings) = base else {
        return .promptToPrompt(promptToPrompt(over: PromptToPrompt()))
      }
      return .promptToPrompt(promptToPrompt(over: settings))
    case .none: return .none
    case .masactrl:
      var policy = MasaCtrl()
      if case .masaCtrl(let settings) = base { policy = settings }
      policy.start = other.masactrlStart ?? policy.start
      policy.firstLayer = other.masactrlLayer ?? policy.firstLayer
      policy.largestGrid = other.masactrlGrid ?? policy.largestGrid
      return .masaCtrl(policy)
    case .sdedit:
      if let strength = other.strength { return .sdEdit(SDEdit(strength: strength)) }
      guard case .sdEdit = base else {
        throw UsageError(
          "--control sdedit needs --strength, the last fraction of the steps to run, as in 0.6.")
      }
      return base
    case .removal:
      var policy = ObjectRemoval(words: [])
      if case .removal(let settings) = base { policy = settings }
      if !other.remove.isEmpty { policy.words = other.remove }
      guard !policy.words.isEmpty else {
        throw UsageError("--control removal needs --remove, the word of the caption whose object is removed.")
      }
      policy.threshold = region.blendThreshold?.kept ?? policy.threshold
      return .removal(policy)
    }
  }

  private func stepRuleSetting(over base: StepRule?, guidance: Double?) throws -> StepRule? {
    let name = other.stepRule ?? base.map(StepRuleName.init)
    switch name {
    case .difference:
      var rule = DifferenceRule()
      if case .difference(let settings) = base { rule = settings }
      rule.sourceGuidance = other.sourceGuidance ?? rule.sourceGuidance
      return .difference(rule)
    case .hEdit, .hEditExplicit:
      var rule = HEdit()
      if case .hEdit(let settings) = base {
        rule = settings
      } else if let guidance {
        rule.sourceGuidance = 0.9 * guidance
      }
      rule.sourceGuidance = other.sourceGuidance ?? rule.sourceGuidance
      rule.isImplicit = name == .hEdit
      return .hEdit(rule)
    case .guided, nil:
      guard other.sourceGuidance == nil else {
        throw UsageError("--source-guidance needs --step-rule difference or h-edit.")
      }
      return name == nil ? nil : .guided
    }
  }

  /// Returns `base` with the prompt-to-prompt settings applied, except for the windows to sweep.
  private func promptToPrompt(over base: PromptToPrompt) -> PromptToPrompt {
    var result = base
    result.controller = words.controller?.choice ?? base.controller
    result.selfGrid = words.selfGrid ?? base.selfGrid
    let wordWindows = words.crossSteps.compactMap(\.word)
    if !wordWindows.isEmpty { result.crossStepsOfWords = wordWindows }
    if !words.emphasis.isEmpty { result.emphasis = words.emphasis }
    return result
  }

  /// The names of the given prompt-to-prompt options.
  private var namesOfWordSettings: [String] {
    names([
      "--controller": words.controller != nil, "--cross-steps": !words.crossSteps.isEmpty,
      "--self-steps": words.selfSteps != nil,
      "--self-grid": words.selfGrid != nil, "--emphasis": !words.emphasis.isEmpty,
    ])
  }

  /// Whether a prompt-to-prompt option is given.
  var setsWords: Bool { !namesOfWordSettings.isEmpty }

  /// The names of all given options.
  var givenNames: [String] {
    namesOfWordSettings
      + names([
        "--guidance": words.guidance != nil, "--control": other.control != nil,
        "--strength": other.strength != nil,
        "--remove": !other.remove.isEmpty,
        "--masactrl-start": other.masactrlStart != nil, "--masactrl-layer": other.masactrlLayer != nil,
        "--masactrl-grid": other.masactrlGrid != nil, "--blend": !region.blend.isEmpty,
        "--blend-subtract": !region.blendSubtract.isEmpty, "--blend-threshold": region.blendThreshold != nil,
        "--blend-start": region.blendStart != nil, "--blend-grid": region.blendGrid != nil,
        "--mask": region.mask != nil,
        "--mask-softness": region.maskSoftness != nil,
        "--step-rule": other.stepRule != nil, "--source-guidance": other.sourceGuidance != nil,
        "--null-embedding": other.nullEmbedding != nil,
        "--proximal": other.proximal != nil, "--pull-back": other.pullBack != nil,
        "--spatial-replace": other.spatialReplace != nil,
      ])
  }

  private func names(_ options: KeyValuePairs<String, Bool>) -> [String] {
    options.filter(\.value).map(\.key)
  }

  /// Throws `UsageError` if a prompt-to-prompt option is given for another control.
  private func checkControl(_ control: EditControl) throws {
    guard control.name != .promptToPrompt else { return }
    if let stranger = namesOfWordSettings.first {
      throw UsageError(
        "\(stranger) needs --control prompt-to-prompt; --control \(control.name.rawValue) does not use it.")
    }
  }

  private func blendSetting(over base: LocalBlend?, source: PromptWords, target: PromptWords) throws
    -> LocalBlend?
  {
    guard var result = region.blend.isEmpty ? base : base ?? LocalBlend(LocalBlend.Words()) else {
      guard region.blendSubtract.isEmpty, region.blendThreshold == nil, region.blendStart == nil,
        region.blendGrid == nil
      else {
        throw UsageError("--blend-subtract, --blend-threshold, --blend-start and --blend-grid need --blend.")
      }
      return nil
    }
    if !region.blend.isEmpty { result.words = region.blend.reduce(LocalBlend.Words(), +) }
    if !region.blendSubtract.isEmpty {
      result.subtracted = try region.blendSubtract.map { try Self.subtracted($0, source, target) }.reduce(
        .init(), +)
    }
    if let threshold = region.blendThreshold {
      result.threshold = threshold.kept
      result.subtractThreshold = threshold.subtracted
    }
    result.start = region.blendStart ?? result.start
    return result
  }

  /// Parses a word of `--blend-subtract`: without a comma, the word in each prompt that has it; with one, as in `--blend`.
  private static func subtracted(
    _ text: String, _ source: PromptWords, _ target: PromptWords
  ) throws -> LocalBlend.Words {
    let words = try LocalBlend.Words(parsing: text)
    guard !text.contains(",") else { return words }
    let isInSource = (try? source.tokens(of: text)) != nil
    if isInSource, (try? target.tokens(of: text)) != nil { return words }
    return isInSource ? LocalBlend.Words(source: words.source) : LocalBlend.Words(target: words.target)
  }

  private func proximalSetting(over base: ProximalGuidance?) throws -> ProximalGuidance? {
    guard var result = other.proximal.map({ _ in base ?? ProximalGuidance() }) ?? base else {
      guard other.pullBack == nil else { throw UsageError("--pull-back needs --proximal.") }
      return nil
    }
    result.quantile = other.proximal ?? result.quantile
    result.pullBack = other.pullBack ?? result.pullBack
    return result
  }

  private func maskSetting(over base: EditMask?) throws -> EditMask? {
    if let softness = region.maskSoftness, !(0...1024).contains(softness) {
      throw UsageError("--mask-softness \(softness): must be between 0 and 1024 pixels.")
    }
    guard let mask = region.mask else {
      guard region.maskSoftness == nil || base != nil else {
        throw UsageError("--mask-softness needs --mask.")
      }
      var result = base
      if let softness = region.maskSoftness { result?.softEdge = softness }
      return result
    }
    return try EditMask(
      RGBImage(contentsOf: URL(fileURLWithPath: mask)), softEdge: region.maskSoftness ?? base?.softEdge ?? 0)
  }
}

extension EditControl {
  /// The value of `--control`.
  var name: ControlName {
    switch self {
    case .promptToPrompt: .promptToPrompt
    case .none: .none
    case .masaCtrl: .masactrl
    case .sdEdit: .sdedit
    case .removal: .removal
    }
  }
}
