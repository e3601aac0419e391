internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// The options of an edit; what is not given is the recipe's, or the library's default.
struct EditSettings: ParsableArguments {
  @Option(help: ArgumentHelp("The strength of guidance (default: the inversion's).", valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      "What keeps the picture together: attention by words, nothing, the source's self-attention, or a late start.",
      valueName: "control"))
  var control: ControlName?

  @Option(help: ArgumentHelp("Of sdedit: the part of the path that is walked again.", valueName: "0…1"))
  var strength: Double?

  @Option(
    help: ArgumentHelp(
      "Of masactrl: the part of the steps before it begins (default: 0.08).", valueName: "0…1"))
  var masactrlStart: Double?

  @Option(
    help: ArgumentHelp(
      "Of masactrl: the first transformer block that it acts on (default: 0).", valueName: "n"))
  var masactrlLayer: Int?

  @Option(
    help: ArgumentHelp(
      "Of masactrl: the side of the largest grid that it acts on (default: all).", valueName: "n"))
  var masactrlGrid: Int?

  @Option(
    help: ArgumentHelp(
      "How words are matched: one for one, or by what stays (default: auto, by their number).",
      valueName: "controller"))
  var controller: ControllerName?

  @Option(
    help: ArgumentHelp(
      """
      The steps in which words look where they did in the source (default: 0.8): a fraction, a range 0.1:0.5, several \
      with commas between for a contact sheet, or WORD=0.1:0.4 for a word of its own. Repeatable.
      """, valueName: "window"), transform: CrossStepsArgument.init(parsing:))
  var crossSteps: [CrossStepsArgument] = []

  @Option(
    help: ArgumentHelp(
      """
      The steps in which the picture's parts look at each other as in the source (default: 0.4): the higher, the more \
      of its layout stays. A fraction, a range, or several.
      """, valueName: "window"), transform: WindowList.init(parsing:))
  var selfSteps: WindowList?

  @Option(
    help: ArgumentHelp(
      "The side of the largest grid that --self-steps acts on (default: 32).", valueName: "n"))
  var selfGrid: Int?

  @Option(
    help: ArgumentHelp(
      "A factor for the attention to a word; it may be negative. Repeatable.", valueName: "word=weight"),
    transform: Emphasis.init(parsing:))
  var emphasis: [Emphasis] = []

  @Option(
    help: ArgumentHelp(
      "Change the picture only where these words of the two prompts look. Repeatable.",
      valueName: "source,target"),
    transform: LocalBlend.Words.init(parsing:))
  var blend: [LocalBlend.Words] = []

  @Option(help: ArgumentHelp("Leave alone where this word looks. Repeatable.", valueName: "word"))
  var blendSubtract: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much of its maximum attention must reach (default: 0.3), and that of the subtracted words.",
      valueName: "a[,b]"), transform: BlendThresholds.init(parsing:))
  var blendThreshold: BlendThresholds?

  @Option(
    help: ArgumentHelp("The part of the steps before the first blend (default: 0.2).", valueName: "0…1"))
  var blendStart: Double?

  @Option(
    help: ArgumentHelp("A picture that is white where the edit may change anything.", valueName: "file.png"))
  var mask: String?

  @Option(help: ArgumentHelp("Over how many pixels the mask fades out (default: 0).", valueName: "pixels"))
  var maskSoftness: Double?

  @Option(
    help: ArgumentHelp(
      "Drop this part of the guidance differences, the smallest (ProxEdit; 0.7 is usual).", valueName: "0…1"))
  var proximal: Double?

  @Option(
    help: ArgumentHelp(
      "With --proximal, how far late steps lead unchanged places back to the source (default: 1).",
      valueName: "0…1"))
  var pullBack: Double?

  @Option(
    help: ArgumentHelp(
      "Put the source's latents in place, but for the last part of the steps.", valueName: "0…1"),
    transform: SpatialReplace.init(parsing:))
  var spatialReplace: SpatialReplace?
}

extension EditSettings {
  /// These settings on top of `base`, but for the windows to sweep.
  ///
  /// - Parameter words: of the two prompts.
  /// - Throws: `UsageError` for settings that make no sense together, `InputError` about the mask's file.
  func options(over base: EditOptions, source: PromptWords, target: PromptWords) throws -> EditOptions {
    var options = base
    options.guidance = guidance ?? base.guidance
    options.control = try controlSetting(over: base.control)
    try checkControl(options.control)
    options.blend = try blendSetting(over: base.blend, source: source, target: target)
    options.mask = try maskSetting(over: base.mask)
    options.proximal = try proximalSetting(over: base.proximal)
    options.spatialReplace = spatialReplace ?? base.spatialReplace
    try UsageError.catching { try options.validate() }
    return options
  }

  /// The one edit that these settings and `base` say.
  ///
  /// - Throws: `UsageError` if several windows are given, and as `options(over:source:target:)`.
  func singleEdit(over base: EditOptions, source: PromptWords, target: PromptWords) throws -> EditOptions {
    var options = try options(over: base, source: source, target: target)
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
    let windows = crossSteps.flatMap(\.everywhere)
    return windows.isEmpty ? [(base.promptToPrompt ?? PromptToPrompt()).crossSteps] : windows
  }

  /// The windows of self-attention to try.
  func selfWindows(over base: EditOptions) -> [StepWindow] {
    selfSteps?.windows ?? [(base.promptToPrompt ?? PromptToPrompt()).selfSteps]
  }

  private func controlSetting(over base: EditControl) throws -> EditControl {
    let name = control ?? base.name
    guard strength == nil || name == .sdedit else {
      throw UsageError("--strength belongs to --control sdedit.")
    }
    guard masactrlStart == nil && masactrlLayer == nil && masactrlGrid == nil || name == .masactrl else {
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
        return .promptToPrompt(words(over: PromptToPrompt()))
      }
      return .promptToPrompt(words(over: settings))
    case .none: return .none
    case .masactrl:
      var policy = MutualSelfAttention()
      if case .mutualSelfAttention(let settings) = base { policy = settings }
      policy.start = masactrlStart ?? policy.start
      policy.firstLayer = masactrlLayer ?? policy.firstLayer
      policy.largestGrid = masactrlGrid ?? policy.largestGrid
      return .mutualSelfAttention(policy)
    case .sdedit:
      if let strength { return .lateStart(LateStart(strength: strength)) }
      guard case .lateStart = base else {
        throw UsageError("--control sdedit needs --strength, the part of the path to walk again, as in 0.6.")
      }
      return base
    }
  }

  /// The settings of attention by words on top of others, but for the windows to sweep.
  private func words(over base: PromptToPrompt) -> PromptToPrompt {
    var words = base
    words.controller = controller?.choice ?? base.controller
    words.selfGrid = selfGrid ?? base.selfGrid
    let wordWindows = crossSteps.compactMap(\.word)
    if !wordWindows.isEmpty { words.crossStepsOfWords = wordWindows }
    if !emphasis.isEmpty { words.emphasis = emphasis }
    return words
  }

  /// The options of attention by words that are given.
  private var namesOfWordSettings: [String] {
    names([
      "--controller": controller != nil, "--cross-steps": !crossSteps.isEmpty,
      "--self-steps": selfSteps != nil,
      "--self-grid": selfGrid != nil, "--emphasis": !emphasis.isEmpty,
    ])
  }

  /// All options that are given.
  var givenNames: [String] {
    namesOfWordSettings
      + names([
        "--guidance": guidance != nil, "--control": control != nil, "--strength": strength != nil,
        "--masactrl-start": masactrlStart != nil, "--masactrl-layer": masactrlLayer != nil,
        "--masactrl-grid": masactrlGrid != nil, "--blend": !blend.isEmpty,
        "--blend-subtract": !blendSubtract.isEmpty, "--blend-threshold": blendThreshold != nil,
        "--blend-start": blendStart != nil, "--mask": mask != nil, "--mask-softness": maskSoftness != nil,
        "--proximal": proximal != nil, "--pull-back": pullBack != nil,
        "--spatial-replace": spatialReplace != nil,
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
    guard var result = blend.isEmpty ? base : base ?? LocalBlend(LocalBlend.Words()) else {
      guard blendSubtract.isEmpty, blendThreshold == nil, blendStart == nil else {
        throw UsageError("--blend-subtract, --blend-threshold and --blend-start need --blend.")
      }
      return nil
    }
    if !blend.isEmpty { result.words = blend.reduce(LocalBlend.Words(), +) }
    if !blendSubtract.isEmpty {
      result.subtracted = try blendSubtract.map { try Self.subtracted($0, source, target) }.reduce(.init(), +)
    }
    if let blendThreshold {
      result.threshold = blendThreshold.kept
      result.subtractThreshold = blendThreshold.subtracted
    }
    result.start = blendStart ?? result.start
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
    guard var result = proximal.map({ _ in base ?? ProximalGuidance() }) ?? base else {
      guard pullBack == nil else { throw UsageError("--pull-back needs --proximal.") }
      return nil
    }
    result.quantile = proximal ?? result.quantile
    result.pullBack = pullBack ?? result.pullBack
    return result
  }

  private func maskSetting(over base: EditMask?) throws -> EditMask? {
    if let maskSoftness, !(0...1024).contains(maskSoftness) {
      throw UsageError("--mask-softness \(maskSoftness): ask for 0 to 1024 pixels.")
    }
    guard let mask else {
      guard maskSoftness == nil || base != nil else { throw UsageError("--mask-softness needs --mask.") }
      var result = base
      if let maskSoftness { result?.softEdge = maskSoftness }
      return result
    }
    return try EditMask(
      RGBImage(contentsOf: URL(fileURLWithPath: mask)), softEdge: maskSoftness ?? base?.softEdge ?? 0)
  }
}

extension EditControl {
  /// What the command line calls it.
  var name: ControlName {
    switch self {
    case .promptToPrompt: .promptToPrompt
    case .none: .none
    case .mutualSelfAttention: .masactrl
    case .lateStart: .sdedit
    }
  }
}
