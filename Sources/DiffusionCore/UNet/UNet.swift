public import Tensor

/// The network that predicts noise: `UNet2DConditionModel` of diffusers with cross-attention and plain blocks.
///
/// An evaluation has two parts. The `stem` is the part before the first cross-attention; for one latent and timestep
/// it is the same for every text. The `trunk` is the rest. Weights are frozen; gradients flow only to the text
/// embedding.
public final class UNet: Sendable {
  /// The configuration of the network.
  public let configuration: UNetConfiguration

  /// The counter of evaluations.
  public let counter: EvaluationCounter

  /// Whether a gradient recomputes activations instead of keeping them.
  private let recomputesActivations: Bool

  private let inputConvolution: Convolution
  private let timeEmbedding: TimeEmbedding
  private let stages: [UNetStage]
  private let residualBlocks: [ResidualBlock]
  private let transformerBlocks: [TransformerBlock]
  private let firstTransformer: Int
  private let outputNorm: GroupNorm
  private let outputConvolution: Convolution

  /// Creates a network with the weights of a checkpoint's `unet` folder.
  ///
  /// - Parameters:
  ///   - configuration: The configuration of the network.
  ///   - weights: Its weights.
  ///   - counter: The counter of evaluations.
  ///   - recomputesActivations: Whether a gradient recomputes the activations of each block instead of keeping them,
  ///     which takes less memory and about one more evaluation.
  /// - Throws: `InputError` if the configuration is not supported, or if a tensor is missing or has the wrong shape.
  public init(
    _ configuration: UNetConfiguration, weights: WeightScope,
    counter: EvaluationCounter = EvaluationCounter(), recomputesActivations: Bool = false
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    self.counter = counter
    self.recomputesActivations = recomputesActivations
    let width = configuration.blockOutChannels[0]
    inputConvolution = try Convolution(
      weights["conv_in"], inputs: configuration.inChannels, outputs: width, size: configuration.convInKernel)
    timeEmbedding = try TimeEmbedding(configuration, weights["time_embedding"])
    let stages = try UNetStages(configuration, weights)
    self.stages = stages.all
    residualBlocks = stages.residualBlocks
    transformerBlocks = stages.transformerBlocks
    let isTransformer = { (stage: UNetStage) in if case .transformer = stage { true } else { false } }
    guard let first = stages.all.firstIndex(where: isTransformer) else {
      throw InputError(
        .unsupported, "The UNet in \(weights.path) has no cross-attention, so text cannot control it.")
    }
    firstTransformer = first
    outputNorm = try GroupNorm(
      weights["conv_norm_out"], channels: width, groups: configuration.normGroups,
      epsilon: Float(configuration.normEpsilon))
    outputConvolution = try Convolution(
      weights["conv_out"], inputs: width, outputs: configuration.outChannels,
      size: configuration.convOutKernel)
  }

  /// Returns the keys and values of a text at every cross-attention, for all evaluations with that text.
  ///
  /// - Parameter embedding: Tokens x channels, from the text encoder.
  public func context(_ embedding: Variable) -> TextContext {
    TextContext(keysAndValues: transformerBlocks.map { $0.keyAndValue(of: embedding) })
  }

  /// Returns the keys and values of a text at every cross-attention.
  public func context(_ embedding: Tensor) -> TextContext { context(Variable(embedding)) }

  /// Returns the part of an evaluation that does not depend on the text.
  ///
  /// - Parameters:
  ///   - latent: Height x width x channels, scaled.
  ///   - timestep: A training timestep.
  ///   - control: Applied to the first self-attention. Evaluations may share a stem only if their controls act the
  ///     same there.
  public func stem(_ latent: Tensor, timestep: Int, control: (any AttentionControl)? = nil) -> Stem {
    counter.count(stem: 1)
    let time = timeEmbedding(timestep)
    var walk = Walk(
      hidden: inputConvolution(Variable(latent)), timeOffsets: residualBlocks.map { $0.timeOffset(time) })
    for stage in stages[..<firstTransformer] {
      advance(&walk, through: stage, context: nil, control: control)
    }
    guard case .transformer(let transformer, let index) = stages[firstTransformer] else {
      preconditionFailure("the stem ends at a transformer")
    }
    let position = GridPosition(block: index, grid: .init(of: walk.hidden))
    let entered = transformer.enter(walk.hidden)
    let tokens = transformer.blocks[0].attendToItself(entered, at: position, control: control)
    return Stem(
      timestep: timestep, walk: walk, tokens: tokens, query: transformer.blocks[0].textQuery(tokens))
  }

  /// Returns the result of an evaluation: everything from the first cross-attention on.
  ///
  /// - Parameters:
  ///   - stem: The part before the first cross-attention.
  ///   - context: The keys and values of the text.
  ///   - control: Applied to the other attentions.
  /// - Returns: The prediction, height x width x channels with the size of the latent: noise or velocity, as the
  ///   checkpoint was trained. It is differentiable if the context is.
  public func trunk(_ stem: Stem, context: TextContext, control: (any AttentionControl)? = nil) -> Variable {
    counter.count(forward: 1)
    var walk = stem.walk
    for (index, stage) in stages[firstTransformer...].enumerated() {
      let begun = index == 0 ? (stem.tokens, stem.query) : nil
      advance(&walk, through: stage, context: context, begun: begun, control: control)
    }
    let prediction = outputConvolution(normalizing: walk.hidden, by: outputNorm, thenSiLU: true)
    return .recorded(prediction.value, from: [prediction]) { [counter] in
      counter.count(backward: 1)
      return [$0]
    }
  }

  /// Returns the prediction of a whole evaluation.
  public func callAsFunction(
    _ latent: Tensor, timestep: Int, context: TextContext, control: (any AttentionControl)? = nil
  ) -> Tensor {
    trunk(stem(latent, timestep: timestep, control: control), context: context, control: control).value
  }

  /// Returns all attentions of an evaluation of a latent of this size, in order.
  public func attentionSites(height: Int, width: Int) -> [AttentionSite] {
    configuration.attentionSites(height: height, width: width)
  }

  private func advance(
    _ walk: inout Walk, through stage: UNetStage, context: TextContext?, begun: (Variable, Variable)? = nil,
    control: (any AttentionControl)?
  ) {
    switch stage {
    case .residual(let block, let time):
      let offset = walk.timeOffsets[time]
      walk.hidden = recomputed(from: [walk.hidden]) { block($0[0], timeOffset: offset) }
    case .downsample(let convolution):
      walk.hidden = convolution(walk.hidden)
    case .upsample(let convolution):
      let size = walk.kept.last?.shape ?? walk.hidden.shape.map { 2 * $0 }
      walk.hidden = convolution(upsampling: walk.hidden, toHeight: size[0], width: size[1])
    case .keep:
      walk.kept.append(walk.hidden)
    case .join:
      walk.hidden = walk.hidden.concatenated(with: walk.kept.removeLast())
    case .transformer(let transformer, let firstBlock):
      guard let context else { preconditionFailure("the stem reads no text") }
      let texts = context.keysAndValues[firstBlock..<firstBlock + transformer.blocks.count]
      walk.hidden = recomputed(from: [walk.hidden] + texts.flatMap { [$0.key, $0.value] }) { inputs in
        let texts = stride(from: 1, to: inputs.count, by: 2).map { (key: inputs[$0], value: inputs[$0 + 1]) }
        return self.advance(inputs[0], through: transformer, firstBlock, texts, begun, control)
      }
    }
  }

  private func recomputed(
    from inputs: [Variable], _ function: @escaping ([Variable]) -> Variable
  ) -> Variable {
    recomputesActivations ? .recomputed(from: inputs, function) : function(inputs)
  }

  private func advance(
    _ x: Variable, through transformer: SpatialTransformer, _ firstBlock: Int,
    _ texts: [(key: Variable, value: Variable)], _ begun: (Variable, Variable)?,
    _ control: (any AttentionControl)?
  ) -> Variable {
    var tokens = begun?.0 ?? transformer.enter(x)
    for (index, block) in transformer.blocks.enumerated() {
      let position = GridPosition(block: firstBlock + index, grid: .init(of: x))
      let isBegun = index == 0 && begun != nil
      if !isBegun { tokens = block.attendToItself(tokens, at: position, control: control) }
      let query = isBegun ? begun?.1 : nil
      tokens = block.attendToText(
        tokens, query: query ?? block.textQuery(tokens), text: texts[index], at: position, control: control)
    }
    return transformer.leave(tokens, entered: x)
  }
}

extension UNetLayout.Grid {
  /// The size of a map of height x width x channels.
  fileprivate init(of map: Variable) { self.init(height: map.shape[0], width: map.shape[1]) }
}

/// The state of an evaluation between two stages.
struct Walk {
  var hidden: Variable
  var kept: [Variable] = []
  let timeOffsets: [Tensor?]
}

/// The part of an evaluation that does not depend on the text, for one latent and timestep.
public struct Stem {
  /// The training timestep.
  public let timestep: Int
  let walk: Walk
  let tokens: Variable
  let query: Variable
}

/// The keys and values of a text at every cross-attention of a UNet.
public struct TextContext {
  let keysAndValues: [(key: Variable, value: Variable)]
}
