/// The tensor names of an autoencoder in the files of CompVis and Stability AI.
///
/// Levels of the decoder are numbered from the finest, like those of the encoder.
struct OriginalAutoencoder: TensorNaming {
  /// A tensor that every such network has.
  static let marker = "encoder.down.0.block.0.norm1.weight"

  private let names: ModuleNames

  /// - Parameter contains: Returns whether a tensor with this name, without prefix, exists.
  init(_ contains: (String) -> Bool) {
    var names = ModuleNames()
    names.add("quant_conv", as: "quant_conv")
    names.add("post_quant_conv", as: "post_quant_conv")
    let levels = moduleCount("encoder.down", "block.0.norm1.weight", contains)
    for (network, way) in [("encoder", "down"), ("decoder", "up")] {
      for (name, newName) in [
        ("conv_in", "conv_in"), ("norm_out", "conv_norm_out"), ("conv_out", "conv_out"),
        ("mid.block_1", "mid_block.resnets.0"), ("mid.block_2", "mid_block.resnets.1"),
        ("mid.block_1.nin_shortcut", "mid_block.resnets.0.conv_shortcut"),
        ("mid.block_2.nin_shortcut", "mid_block.resnets.1.conv_shortcut"),
      ] {
        names.add("\(network).\(name)", as: "\(network).\(newName)")
      }
      names.add(
        "\(network).mid.attn_1", as: "\(network).mid_block.attentions.0",
        renaming: ["norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"])
      for level in 0..<levels {
        let (old, new) = (
          "\(network).\(way).\(level)",
          "\(network).\(way)_blocks.\(way == "down" ? level : levels - 1 - level)"
        )
        names.add("\(old).\(way)sample.conv", as: "\(new).\(way)samplers.0.conv")
        let layers = moduleCount("\(old).block", "norm1.weight", contains)
        for layer in 0..<layers {
          names.add("\(old).block.\(layer)", as: "\(new).resnets.\(layer)")
          names.add("\(old).block.\(layer).nin_shortcut", as: "\(new).resnets.\(layer).conv_shortcut")
        }
      }
    }
    self.names = names
  }

  func views(of name: String, shape: [Int]) -> [TensorView] {
    names.views(of: name, shape: shape).flatMap { DiffusersNaming(.vae).views(of: $0.name, shape: $0.shape) }
  }
}
