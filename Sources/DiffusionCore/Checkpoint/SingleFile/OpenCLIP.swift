/// The tensor names of OpenCLIP's text encoder, used by Stable Diffusion 2; query, key and value share one matrix.
///
/// The last layer is skipped: Stable Diffusion 2 uses the hidden state before it.
struct OpenCLIP: TensorNaming {
  /// A tensor that every such network has.
  static let marker = "transformer.resblocks.0.attn.in_proj_weight"

  private let names: ModuleNames
  /// The layers that are used: prefixes of their tensor names in the file, mapped to diffusers names.
  private let layers: [String: String]

  /// - Parameter contains: Returns whether a tensor with this name, without prefix, exists.
  init(_ contains: (String) -> Bool) {
    var names = ModuleNames()
    var layers: [String: String] = [:]
    names.add("token_embedding", as: "text_model.embeddings.token_embedding")
    names.add("ln_final", as: "text_model.final_layer_norm")
    let count = moduleCount("transformer.resblocks", "attn.in_proj_weight", contains)
    for layer in 0..<max(0, count - 1) {
      let (old, new) = ("transformer.resblocks.\(layer)", "text_model.encoder.layers.\(layer)")
      layers["\(old).attn.in_proj_"] = "\(new).self_attn"
      names.add(
        old, as: new,
        renaming: [
          "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
          "attn.out_proj": "self_attn.out_proj",
        ])
    }
    self.names = names
    self.layers = layers
  }

  func views(of name: String, shape: [Int]) -> [TensorView] {
    if name == "positional_embedding" {
      return [TensorView(name: "text_model.embeddings.position_embedding.weight", shape: shape)]
    }
    guard let end = name.lastIndex(of: "_"), let attention = layers[String(name[...end])],
      let rows = shape.first, rows % 3 == 0
    else { return names.views(of: name, shape: shape) }
    let member = name[name.index(after: end)...]
    return ["q_proj", "k_proj", "v_proj"].enumerated().map { index, projection in
      TensorView(
        name: "\(attention).\(projection).\(member)", shape: [rows / 3] + shape.dropFirst(),
        firstRow: index * (rows / 3))
    }
  }
}
