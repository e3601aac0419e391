public import DiffusionCore
public import Tensor

/// A strategy that preserves the source while the words change: which source attention an edit reads, how it changes
/// the target's attention, and how it changes the target's latents.
///
/// `EditControl` lists the policies of this library. A program can pass its own policy to `InvertedImage.edit`:
///
/// ```swift
/// /// Keeps the source's self-attention on coarse grids in the first half of the steps.
/// struct KeepLayout: EditingPolicy {
///   func begin(_ scene: EditScene) throws -> any EditingRun { Run(steps: scene.stepCount / 2) }
///
///   struct Run: EditingRun {
///     let steps: Int
///
///     func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
///       branch == .conditional && !site.isCross && site.nominalHeight <= 16 && step < steps
///         ? .readsSource : .untouched
///     }
///
///     func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
///       -> AttentionChange?
///     {
///       source.inputs(at: own.site).map { .inputs(query: $0.query, key: $0.key, value: own.value) }
///     }
///   }
/// }
/// ```
public protocol EditingPolicy: Sendable {
  /// Validates the settings that do not depend on the prompts.
  ///
  /// - Throws: `InputError` that names the invalid setting and its valid range.
  func validate() throws(InputError)

  /// Prepares the edit of one prompt, before any network evaluation.
  ///
  /// - Throws: `InputError` if the policy cannot be applied to these prompts.
  func begin(_ scene: EditScene) throws -> any EditingRun
}

extension EditingPolicy {
  /// Accepts all settings.
  public func validate() throws(InputError) {}
}

/// The input of an editing policy: prompts, steps and attention sites of an edit.
public struct EditScene: Sendable {
  /// The words of the caption.
  public let source: PromptWords
  /// The words of the new prompt.
  public let target: PromptWords
  /// The number of sampling steps T.
  public let stepCount: Int
  /// The number of tokens of a padded prompt.
  public let textLength: Int
  /// All attention sites of an evaluation, in order of execution.
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

/// One of the two branches of classifier-free guidance.
public enum GuidanceBranch: Sendable, Hashable {
  /// The evaluation under the text: the caption for the source, the new prompt for the target.
  case conditional
  /// The evaluation under the step's null embedding.
  case unconditional
}

/// What a policy does at one attention site in one step.
public enum AttentionRole: Sendable, Hashable {
  /// The layer's own attention is used.
  case untouched
  /// The policy changes the target's attention without reading the source's.
  case changes
  /// The policy changes the target's attention and reads the source's, which takes one source evaluation in the step.
  case readsSource
}

/// The inputs of one attention site in one evaluation.
public struct AttentionInputs: Sendable {
  /// The position of the attention in the network.
  public let site: AttentionSite
  /// The layer's functions for probabilities and output.
  public let attention: Attention
  /// Queries x channels with the heads side by side; queries are in row-major order over the grid of `site`.
  public let query: Tensor
  /// Keys x channels.
  public let key: Tensor
  /// Keys x channels.
  public let value: Tensor

  /// Returns the attention probabilities, heads x queries x keys.
  public func probabilities() -> Tensor { attention.probabilities(query: query, key: key) }
}

/// A change of one attention of the target.
public enum AttentionChange: Sendable {
  /// Replaces queries, keys and values; the layer computes its attention from them.
  case inputs(query: Tensor, key: Tensor, value: Tensor)
  /// Replaces the probabilities, heads x queries x keys; the target's values are kept.
  case probabilities(Tensor)
}

/// The state of an editing policy during the edit of one prompt.
public protocol EditingRun {
  /// The first step that is sampled for the target; before it, the target's latents are the source's.
  var firstStep: Int { get }

  /// Returns what the policy does at an attention site in a step; step 0 is the noisiest.
  ///
  /// It is called before the step. `change` is called only where the role is not `untouched`.
  func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole

  /// Returns the change of one attention of the target.
  ///
  /// - Parameters:
  ///   - own: The target's inputs.
  ///   - source: The source's attention in the same branch and step, available where the role is `readsSource`.
  ///   - branch: The branch of guidance.
  ///   - step: The step; 0 is the noisiest.
  /// - Returns: The change; nil to keep the layer's own attention.
  mutating func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
    -> AttentionChange?

  /// Returns the target's latent after a step, before masks and blends are applied.
  ///
  /// - Parameters:
  ///   - target: The sampled latent, height x width x channels.
  ///   - source: The source's latent after the same step, of the same shape.
  ///   - step: The step; 0 is the noisiest.
  mutating func latent(_ target: Tensor, source: Tensor, after step: Int) -> Tensor
}

extension EditingRun {
  /// Samples all steps for the target.
  public var firstStep: Int { 0 }

  /// Leaves all attention unchanged.
  public func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
    .untouched
  }

  /// Leaves the attention unchanged.
  public func change(
    _ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int
  ) -> AttentionChange? { nil }

  /// Leaves the latent unchanged.
  public func latent(_ target: Tensor, source: Tensor, after step: Int) -> Tensor { target }
}
