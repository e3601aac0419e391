internal import DiffusionCore
internal import Tensor

/// Attention control by the words that changed.
///
/// Hertz et al. 2022, arXiv 2208.01626. The defaults are the published ones.
public struct PromptToPrompt: EditingPolicy, Hashable {
  /// How the words of the two prompts are matched.
  public var controller: ControllerChoice
  /// The steps in which words that both prompts have take their attention from the source.
  public var crossSteps: StepWindow
  /// Steps for single words of the new prompt, instead of `crossSteps`.
  public var crossStepsOfWords: [WordWindow]
  /// The steps in which self-attention is the source's: the more of them, the more of its layout stays.
  public var selfSteps: StepWindow
  /// The side of the largest grid whose self-attention is taken from the source, as it is at the model's own size.
  public var selfGrid: Int
  /// Factors of the attention to single words.
  public var emphasis: [Emphasis]

  /// Settings; the defaults are the published ones.
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
  /// - Throws: `InputError(.mismatch)` if a word is not in the new prompt, or words should be replaced but their numbers
  ///   differ.
  public func begin(_ scene: EditScene) throws -> any EditingRun { Run(edit: try AttentionEdit(self, scene)) }

  /// Refuses a grid that makes no sense.
  public func validate() throws(InputError) {
    try InputError.require(
      (0...4096).contains(selfGrid), "a self-attention grid of \(selfGrid): ask for 0 to 4096.")
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
        // The source's probabilities are those of its queries and keys; the values stay the target's.
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
