internal import DiffusionCore
internal import Tensor

/// Prompt-to-prompt attention control.
///
/// Source: Hertz et al. 2022, arXiv 2208.01626. The defaults are the published ones.
public struct PromptToPrompt: EditingPolicy, Hashable {
  /// The method for matching the words of the two prompts.
  public var controller: ControllerChoice
  /// The steps in which words of both prompts use the source's cross-attention.
  public var crossSteps: StepWindow
  /// Step windows of single words of the new prompt, which override `crossSteps`.
  public var crossStepsOfWords: [WordWindow]
  /// The steps in which the target uses the source's self-attention; more steps preserve more of the layout.
  public var selfSteps: StepWindow
  /// The side length of the largest grid whose self-attention is replaced, at the model's own size; 0 to 4096.
  public var selfGrid: Int
  /// Factors for the cross-attention to single words.
  public var emphasis: [Emphasis]

  /// Creates settings; the defaults are the published ones.
  public init(
    controller: ControllerChoice = .auto, crossSteps: StepWindow = 0.8, crossStepsOfWords: [WordWindow] = [],
    selfSteps: StepWindow = 0.4, selfGrid: Int = 32, emphasis: [Emphasis] = []
  ) {
    self.controller = controller
    self.crossSteps = crossSteps
    self.crossStepsOfWords = crossStepsOfWords
    self.selfSteps = selfSteps
    self.selfGrid = selfGrid
    self.emphasis = emphasis
  }

  /// Matches the words of the two prompts.
  ///
  /// - Throws: `InputError(.mismatch)` if a word is missing in the new prompt, or if replacement is requested and the
  ///   prompts have different numbers of words.
  public func begin(_ scene: EditScene) throws -> any EditingRun { Run(edit: try AttentionEdit(self, scene)) }

  /// Validates the self-attention grid: 0 to 4096.
  public func validate() throws(InputError) {
    try InputError.require(
      (0...4096).contains(selfGrid), "The self-attention grid is \(selfGrid), but must be between 0 and 4096."
    )
  }

  private struct Run: EditingRun {
    let edit: AttentionEdit

    func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
      guard branch == .conditional else { return .untouched }
      guard site.isCross else {
        return edit.replacesSelfAttention(step: step, at: site)
          ? .readsSource : .untouched
      }
      if edit.readsSource(step: step) { return .readsSource }
      return edit.changesCrossAttention(step: step) ? .changes : .untouched
    }

    func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
      -> AttentionChange?
    {
      guard own.site.isCross else {
        // The source's queries and keys give the source's probabilities; the values stay the target's.
        return source.inputs(at: own.site).map {
          .inputs(query: $0.query, key: $0.key, value: own.value)
        }
      }
      let target = own.probabilities()
      let read = edit.readsSource(step: step) ? source.probabilities(at: own.site) : nil
      return .probabilities(edit.crossAttention(source: read ?? target, target: target, step: step))
    }
  }
}
