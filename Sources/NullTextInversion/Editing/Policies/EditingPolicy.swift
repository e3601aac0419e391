public import DiffusionCore
public import Tensor

/// What keeps a picture together while its words change: which attentions of the source an edit reads, what becomes of
/// the target's, and what becomes of its latents.
///
/// `EditControl` has those of this library. A program can bring its own and give it to `InvertedImage.edit`:
///
///     /// Keeps the source's self-attention at coarse grids in the first half of the steps.
///     struct KeepLayout: EditingPolicy {
///       func begin(_ scene: EditScene) throws -> any EditingRun { Run(steps: scene.stepCount / 2) }
///
///       struct Run: EditingRun {
///         let steps: Int
///
///         func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
///           branch == .conditional && !site.isCross && site.nominalHeight <= 16 && step < steps ? .readsSource : .untouched
///         }
///
///         func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
///           -> AttentionChange?
///         {
///           guard let kept = source.inputs(at: own.site) else { return nil }
///           return .inputs(query: kept.query, key: kept.key, value: own.value)
///         }
///       }
///     }
public protocol EditingPolicy: Sendable {
  /// Refuses settings that make no sense, whatever the prompts.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  func validate() throws(InputError)

  /// Prepares the edit of one prompt, before any evaluation of the network.
  ///
  /// - Throws: `InputError` if the policy cannot do what it is asked for with these prompts.
  func begin(_ scene: EditScene) throws -> any EditingRun
}

extension EditingPolicy {
  /// There is nothing to refuse.
  public func validate() throws(InputError) {}
}

/// What an editing policy is told of an edit before it begins.
public struct EditScene: Sendable {
  /// The words of the caption.
  public let source: PromptWords
  /// The words of the new prompt.
  public let target: PromptWords
  /// The number of sampling steps.
  public let stepCount: Int
  /// The number of tokens of a padded text.
  public let textLength: Int
  /// All attentions of an evaluation, in their order.
  public let sites: [AttentionSite]

  package init(
    source: PromptWords, target: PromptWords, stepCount: Int, textLength: Int, sites: [AttentionSite] = []
  ) {
    self.source = source
    self.target = target
    self.stepCount = stepCount
    self.textLength = textLength
    self.sites = sites
  }
}

/// One of the two evaluations of a guided step.
public enum GuidanceBranch: Sendable, Hashable {
  /// Under the text: the caption for the source, the new prompt for the target.
  case conditional
  /// Under the step's null embedding.
  case unconditional
}

/// What a policy does at one attention in one step.
public enum AttentionRole: Sendable, Hashable {
  /// Nothing: the layer computes it.
  case untouched
  /// It changes the target's attention without the source's.
  case changes
  /// It changes the target's attention and reads the source's, which costs one evaluation of the source in the step.
  case readsSource
}

/// The inputs of one attention in one evaluation.
public struct AttentionInputs: Sendable {
  /// Where the attention is in the network.
  public let site: AttentionSite
  /// Computes probabilities and mixes values as the layer does.
  public let attention: Attention
  /// Queries x channels, heads side by side; row-major over the grid of `site`.
  public let query: Tensor
  /// Keys x channels.
  public let key: Tensor
  /// Keys x channels.
  public let value: Tensor

  /// The attention probabilities, heads x queries x keys.
  public func probabilities() -> Tensor { attention.probabilities(query: query, key: key) }
}

/// What becomes of one attention of the target.
public enum AttentionChange: Sendable {
  /// The attention of other queries, keys and values.
  case inputs(query: Tensor, key: Tensor, value: Tensor)
  /// The target's own values under other probabilities, heads x queries x keys.
  case probabilities(Tensor)
}

/// An editing policy at work on one prompt.
public protocol EditingRun {
  /// The first step that the target walks by itself; until then its latents are the source's.
  var firstStep: Int { get }

  /// What this policy does at an attention in a step, 0 being the noisiest.
  ///
  /// Asked before the step. `change` is called only where the answer is not `untouched`.
  func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole

  /// What becomes of an attention of the target.
  ///
  /// - Parameters:
  ///   - own: the target's inputs.
  ///   - source: the source's attention in the same branch and step, where the role is `readsSource`.
  /// - Returns: nil to leave the attention as it is.
  mutating func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
    -> AttentionChange?

  /// What becomes of the target's latent after a step, before masks and blends.
  ///
  /// - Parameters:
  ///   - target: height x width x channels, as is `source`.
  ///   - source: the source's latent after the same step.
  mutating func latent(_ target: Tensor, source: Tensor, after step: Int) -> Tensor
}

extension EditingRun {
  /// The target walks all steps by itself.
  public var firstStep: Int { 0 }

  /// Nothing is done to the attention.
  public func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
    .untouched
  }

  /// The attention stays as it is.
  public func change(
    _ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int
  ) -> AttentionChange? { nil }

  /// The latent stays as it is.
  public func latent(_ target: Tensor, source: Tensor, after step: Int) -> Tensor { target }
}
