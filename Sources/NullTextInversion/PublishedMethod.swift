/// A published method for editing photos by prompts: its inversion options and its edit options.
///
/// ```swift
/// let method = PublishedMethod.hEditD
/// let inverted = try await editor.invert(image: photo, caption: caption, options: method.inversion)
/// let edited = try await inverted.edit(prompt: prompt, options: method.edit)
/// ```
///
/// The options are ordinary values that a program can change. All methods use prompt-to-prompt attention control,
/// with the settings of the comparisons on PIE-Bench (Ju et al. 2023, arXiv 2310.01506). `Docs/Methods.md` compares
/// the methods.
public enum PublishedMethod: String, Sendable, Hashable, Codable, CaseIterable {
  /// Null-text inversion (Mokady et al. 2022).
  case nullText
  /// Negative-prompt inversion (Miyake et al. 2023).
  case negativePrompt
  /// Direct inversion (Ju et al. 2023).
  case direct
  /// Plain DDIM inversion: the baseline.
  case ddim
  /// Global null-text inversion: one null embedding for all steps, an ablation of null-text inversion.
  case globalNullText
  /// SPDInv: pivots that are fixed points (Li et al. 2024, arXiv 2403.11105), here found without gradients, with the
  /// caption as null embedding.
  case spdInv
  /// SimInversion: guidance scale 0.5 for the inversion and the source; the target has its own guidance scale.
  case simInversion
  /// EasyInv: pivots mixed with the previous ones (Zhang et al. 2024, arXiv 2408.05159).
  case easyInv
  /// h-Edit-D: h-Edit on a DDIM trajectory (Nguyen et al. 2025, arXiv 2503.02187).
  case hEditD
  /// h-Edit-R: h-Edit on pivots of independent noise.
  case hEditR
  /// Edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2024, arXiv 2304.06140).
  case editFriendly
  /// InfEdit: no inversion, 12 steps at LCM timesteps (Xu et al. 2024, arXiv 2312.04965).
  case infEdit

  /// Creates the published method that uses an inversion method with its default settings.
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

  /// The inversion options of the method.
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

  /// The edit options of the method; a nil guidance scale means that of the inversion.
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
