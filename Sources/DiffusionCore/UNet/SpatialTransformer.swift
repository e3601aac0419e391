internal import Tensor

/// Transformer blocks over the pixels of a feature map (`Transformer2DModel` of diffusers).
///
/// It is split into pieces because the part before the first cross-attention does not depend on the text, and
/// evaluations of the same latent share it.
struct SpatialTransformer: Sendable {
  private let norm: GroupNorm
  private let projectionIn: Linear
  let blocks: [TransformerBlock]
  private let projectionOut: Linear

  init(_ weights: WeightScope, _ layout: UNetLayout.Transformer, groups: Int) throws {
    let channels = layout.channels
    norm = try GroupNorm(weights["norm"], channels: channels, groups: groups, epsilon: 1e-6)
    projectionIn = try Linear(weights["proj_in"], inputs: channels, outputs: channels)
    blocks = try (0..<layout.depth).map {
      try TransformerBlock(weights["transformer_blocks"][$0], layout)
    }
    projectionOut = try Linear(weights["proj_out"], inputs: channels, outputs: channels)
  }

  /// Converts a feature map (height x width x channels) to tokens (pixels x channels).
  func enter(_ x: Variable) -> Variable {
    projectionIn(norm(x).reshaped([x.shape[0] * x.shape[1], x.shape[2]]))
  }

  /// Converts tokens back to a feature map, and adds the input map.
  func leave(_ tokens: Variable, entered x: Variable) -> Variable {
    projectionOut(tokens, adding: x.reshaped(tokens.shape)).reshaped(x.shape)
  }
}

/// Self-attention, cross-attention and a feed-forward layer, each with a residual connection (`BasicTransformerBlock`
/// of diffusers).
struct TransformerBlock: Sendable {
  private let norm1: LayerNorm
  private let selfProjections: (query: Linear, key: Linear, value: Linear)
  private let selfOut: Linear
  private let norm2: LayerNorm
  private let crossQuery: Linear
  private let crossKey: Linear
  private let crossValue: Linear
  private let crossOut: Linear
  private let norm3: LayerNorm
  private let feedForwardIn: Linear
  private let feedForwardOut: Linear
  private let attention: Attention
  private let place: AttentionSite.Place
  private let nominal: UNetLayout.Grid

  init(_ weights: WeightScope, _ layout: UNetLayout.Transformer) throws {
    let (channels, textChannels) = (layout.channels, layout.textChannels)
    func projection(_ name: String, from inputs: Int) throws -> Linear {
      try Linear(weights[name], inputs: inputs, outputs: channels, hasBias: false)
    }
    norm1 = try LayerNorm(weights["norm1"], channels: channels)
    selfProjections = (
      try projection("attn1.to_q", from: channels), try projection("attn1.to_k", from: channels),
      try projection("attn1.to_v", from: channels)
    )
    selfOut = try Linear(weights["attn1.to_out.0"], inputs: channels, outputs: channels)
    norm2 = try LayerNorm(weights["norm2"], channels: channels)
    crossQuery = try projection("attn2.to_q", from: channels)
    crossKey = try projection("attn2.to_k", from: textChannels)
    crossValue = try projection("attn2.to_v", from: textChannels)
    crossOut = try Linear(weights["attn2.to_out.0"], inputs: channels, outputs: channels)
    norm3 = try LayerNorm(weights["norm3"], channels: channels)
    feedForwardIn = try Linear(weights["ff.net.0.proj"], inputs: channels, outputs: 8 * channels)
    feedForwardOut = try Linear(weights["ff.net.2"], inputs: 4 * channels, outputs: channels)
    attention = Attention(heads: layout.heads, channels: channels)
    place = layout.place
    nominal = layout.nominal
  }

  /// Returns the keys and values of a text for this block's cross-attention.
  func keyAndValue(of text: Variable) -> (key: Variable, value: Variable) {
    (crossKey(text), crossValue(text))
  }

  /// Returns the tokens after self-attention; they do not depend on the text.
  func attendToItself(_ x: Variable, at position: GridPosition, control: (any AttentionControl)?) -> Variable
  {
    let normed = norm1(x)
    let query = selfProjections.query(normed)
    let key = selfProjections.key(normed)
    let value = selfProjections.value(normed)
    let mixed = attend(site(position, isCross: false), query, key, value, control)
    return selfOut(mixed, adding: x)
  }

  /// Returns the queries of the cross-attention; they do not depend on the text.
  func textQuery(_ x: Variable) -> Variable { crossQuery(norm2(x)) }

  /// Returns the tokens after cross-attention and the feed-forward layer.
  func attendToText(
    _ x: Variable, query: Variable, text: (key: Variable, value: Variable), at position: GridPosition,
    control: (any AttentionControl)?
  ) -> Variable {
    let mixed = attend(site(position, isCross: true), query, text.key, text.value, control)
    let read = crossOut(mixed, adding: x)
    return feedForwardOut(feedForwardIn.geglu(norm3(read)), adding: read)
  }

  /// Returns the site of one of this block's two attentions.
  func site(_ position: GridPosition, isCross: Bool) -> AttentionSite {
    AttentionSite(
      block: position.block, place: place, isCross: isCross, grid: position.grid, heads: attention.heads,
      nominal: nominal)
  }

  private func attend(
    _ site: AttentionSite, _ query: Variable, _ key: Variable, _ value: Variable,
    _ control: (any AttentionControl)?
  ) -> Variable {
    if let control {
      precondition(!(query.isTracked || key.isTracked), "a control cannot be differentiated through")
      let answer = control.attend(site, attention, query: query.value, key: key.value, value: value.value)
      if let answer { return Variable(answer) }
    }
    return attention(query: query, key: key, value: value)
  }
}

/// The index of a transformer block in an evaluation, and the grid of its tokens.
struct GridPosition {
  let block: Int
  let grid: UNetLayout.Grid
}
