/// A published way to edit a photo by words: how it is inverted, and how the inversion is edited.
///
///     let method = PublishedMethod.hEditD
///     let inverted = try await editor.invert(image: photo, caption: caption, options: method.inversion)
///     let edited = try await inverted.edit(prompt: prompt, options: method.edit)
///
/// Each is a value of ``InversionOptions`` and one of ``EditOptions``, from which a program may depart. All edits are made
/// with prompt-to-prompt attention control, in the settings of the comparisons on PIE-Bench (Ju et al. 2023, arXiv 2310.01506).
/// `Docs/Methods.md` compares them.
public enum PublishedMethod: String, Sendable, Hashable, Codable, CaseIterable {
  /// Null-text inversion (Mokady et al. 2022).
  case nullText
  /// Negative-prompt inversion (Miyake et al. 2023).
  case negativePrompt
  /// Direct inversion (Ju et al. 2023).
  case direct
  /// DDIM inversion with nothing else: the baseline.
  case ddim
  /// One null embedding for all steps: an ablation of null-text inversion.
  case globalNullText
  /// Pivots that are fixed points (Li et al. 2024, arXiv 2403.11105), found without gradients, under the caption in both branches.
  case spdInv
  /// Guidance 0.5 on the way up and for the source; the target has its own.
  case simInversion
  /// Pivots mixed with the ones before (Zhang et al. 2024, arXiv 2408.05159).
  case easyInv
  /// h-Edit on DDIM's path (Nguyen et al. 2025, arXiv 2503.02187).
  case hEditD
  /// h-Edit on a path of independent noise.
  case hEditR
  /// Edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2024, arXiv 2304.06140).
  case editFriendly
  /// InfEdit: no inversion, 12 steps at LCM's timesteps (Xu et al. 2024, arXiv 2312.04965).
  case infEdit

  /// The published method that is an inversion's method with its defaults.
  public init(_ name: InversionMethod.Name) {
    self =
      switch name {
      case .nullText: .nullText
      case .negativePrompt: .negativePrompt
      case .direct: .direct
      case .ddim: .ddim
      case .globalNullText: .globalNullText
      }
  }

  /// How a photo is inverted.
  public var inversion: InversionOptions {
    var options = InversionOptions(method: .direct)
    switch self {
    case .nullText: options.method = .nullText()
    case .negativePrompt: options.method = .negativePrompt()
    case .direct, .hEditD: break
    case .ddim: options.method = .ddim
    case .globalNullText: options.method = .globalNullText()
    case .spdInv:
      options.method = .negativePrompt()
      options.pivotRefinements = 25
      options.pivotTolerance = 5e-6
    case .simInversion:
      options.method = .ddim
      options.guidance = 0.5
      options.pivotGuidance = 0.5
    case .easyInv: options.easyInv = EasyInv()
    case .hEditR, .editFriendly: options.pivots = .independentNoise(seed: 0)
    case .infEdit:
      options.pivots = .independentNoise(seed: 0)
      options.sampler = .lcm
      options.steps = 12
      options.guidance = 2.3
    }
    return options
  }

  /// How an inversion is edited, at the inversion's guidance where the method has none of its own.
  public var edit: EditOptions {
    func promptToPrompt(cross: StepWindow, own: StepWindow) -> EditOptions {
      EditOptions(
        control: .promptToPrompt(PromptToPrompt(controller: .refine, crossSteps: cross, selfSteps: own)))
    }
    var options = promptToPrompt(cross: 0.4, own: 0.6)
    switch self {
    case .nullText, .negativePrompt, .direct, .ddim, .globalNullText, .spdInv, .easyInv: break
    case .simInversion: options.guidance = 7.5
    case .hEditD:
      options.guidance = 10
      options.stepRule = .hEdit()
    case .hEditR:
      options = promptToPrompt(cross: 0.4, own: 0.35)
      options.guidance = 7.5
      options.stepRule = .hEdit(HEdit(sourceGuidance: 5))
    case .editFriendly:
      options = promptToPrompt(cross: 0.4, own: 0.35)
      options.guidance = 7.5
      options.stepRule = .difference(DifferenceRule(sourceGuidance: 3.5))
    case .infEdit:
      options = promptToPrompt(cross: 0.7, own: 0.7)
      options.stepRule = .difference()
    }
    return options
  }
}
