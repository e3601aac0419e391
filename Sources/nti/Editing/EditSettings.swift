internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// The options of an edit; what is not given is the recipe's, the model's recommendation, or as published.
struct EditSettings: ParsableArguments {
  @OptionGroup(title: "Words and windows") var words: WordSettings
  @OptionGroup(title: "Where it may change") var region: RegionSettings
  @OptionGroup(title: "Other ways to keep the picture") var other: ControlSettings
}

extension EditSettings {
  /// These settings on top of `base`, but for the windows to sweep.
  ///
  /// - Parameters:
  ///   - recommended: has the grid of a blend, where neither says one.
  ///   - source: the words of the caption.
  ///   - target: the words of the new prompt.
  /// - Throws: `UsageError` for settings that make no sense together, `InputError` about the mask's file.
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

  /// The one edit that these settings and `base` say.
  ///
  /// - Throws: `UsageError` if several windows are given, and as `options(over:source:target:)`.
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

  /// The common windows of cross-attention to try.
  func crossWindows(over base: EditOptions) -> [StepWindow] {
    let windows = words.crossSteps.flatMap(\.everywhere)
    return windows.isEmpty ? [(base.promptToPrompt ?? PromptToPrompt()).crossSteps] : windows
  }

  /// The windows of self-attention to try.
  func selfWindows(over base: EditOptions) -> [StepWindow] {
    words.selfSteps?.windows ?? [(base.promptToPrompt ?? PromptToPrompt()).selfSteps]
  }

  private func controlSetting(over base: EditControl) throws -> EditControl {
    let name = other.control ?? (other.remove.isEmpty ? base.name : .removal)
    guard other.remove.isEmpty || name == .removal else {
      throw UsageError("--remove belongs to --control removal.")
    }
    guard other.strength == nil || name == .sdedit else {
      throw UsageError("--strength belongs to --control sdedit.")
    }
    guard
      other.masactrlStart == nil && other.masactrlLayer == nil && other.masactrlGrid == nil
        || name == .masactrl
    else {
      throw UsageError("--masactrl-start, --masactrl-layer and --masactrl-grid belong to --control masactrl.")
    }
    if name != .promptToPrompt, case .promptToPrompt(let words) = base,
      !words.emphasis.isEmpty || !words.crossStepsOfWords.isEmpty
    {
      throw InputError(.mismatch, "Emphasis and windows of words need prompt-to-prompt control.")
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
        throw UsageError("--control sdedit needs --strength, the part of the path to walk again, as in 0.6.")
      }
      return base
    case .removal:
      var policy = ObjectRemoval(words: [])
      if case .removal(let settings) = base { policy = settings }
      if !other.remove.isEmpty { policy.words = other.remove }
      guard !policy.words.isEmpty else {
        throw UsageError("--control removal needs --remove, the word of the caption whose thing is to go.")
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
        throw UsageError("--source-guidance belongs to --step-rule difference or h-edit.")
      }
      return name == nil ? nil : .guided
    }
  }

  /// The settings of attention by words on top of others, but for the windows to sweep.
  private func promptToPrompt(over base: PromptToPrompt) -> PromptToPrompt {
    var result = base
    result.controller = words.controller?.choice ?? base.controller
    result.selfGrid = words.selfGrid ?? base.selfGrid
    let wordWindows = words.crossSteps.compactMap(\.word)
    if !wordWindows.isEmpty { result.crossStepsOfWords = wordWindows }
    if !words.emphasis.isEmpty { result.emphasis = words.emphasis }
    return result
  }

  /// The options of attention by words that are given.
  private var namesOfWordSettings: [String] {
    names([
      "--controller": words.controller != nil, "--cross-steps": !words.crossSteps.isEmpty,
      "--self-steps": words.selfSteps != nil,
      "--self-grid": words.selfGrid != nil, "--emphasis": !words.emphasis.isEmpty,
    ])
  }

  /// Whether any option of attention by words is given.
  var setsWords: Bool { !namesOfWordSettings.isEmpty }

  /// All options that are given.
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

  /// Settings of attention by words mean nothing without it.
  private func checkControl(_ control: EditControl) throws {
    guard control.name != .promptToPrompt else { return }
    if let stranger = namesOfWordSettings.first {
      throw UsageError(
        "\(stranger) needs --control prompt-to-prompt; \(control.name.rawValue) does not use it.")
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

  /// A word means those of the prompts that have it; with a comma, what `--blend` makes of it.
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
      throw UsageError("--mask-softness \(softness): ask for 0 to 1024 pixels.")
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
  /// What the command line calls it.
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
