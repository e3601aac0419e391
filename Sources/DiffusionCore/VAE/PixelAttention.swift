internal import Tensor

/// Single-head attention over all pixels of a feature map, with a residual connection.
struct PixelAttention: Sendable {
  private let norm: GroupNorm
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let output: Linear
  private let attention: Attention

  init(_ weights: WeightScope, channels: Int, groups: Int) throws {
    // The first releases of diffusers used other names.
    func projection(_ name: String, _ oldName: String) throws -> Linear {
      try Linear(weights[weights.contains(name) ? name : oldName], inputs: channels, outputs: channels)
    }
    norm = try GroupNorm(weights["group_norm"], channels: channels, groups: groups, epsilon: 1e-6)
    query = try projection("to_q", "query")
    key = try projection("to_k", "key")
    value = try projection("to_v", "value")
    output = try projection("to_out.0", "proj_attn")
    attention = Attention(heads: 1, channels: channels)
  }

  func callAsFunction(_ x: Variable) -> Variable {
    let shape = x.shape
    let tokens = norm(x).reshaped([shape[0] * shape[1], shape[2]])
    let mixed = attention(query: query(tokens), key: key(tokens), value: value(tokens))
    return output(mixed, adding: x.reshaped(tokens.shape)).reshaped(shape)
  }
}
