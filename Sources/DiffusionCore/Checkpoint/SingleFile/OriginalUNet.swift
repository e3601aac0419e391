/// The tensor names of a UNet in the files of CompVis and Stability AI.
///
/// Blocks are numbered consecutively across levels.
enum OriginalUNet {
  /// A tensor that every such network has.
  static let marker = "input_blocks.0.0.weight"

  /// The values that determine the numbers of the blocks.
  private struct Shape {
    /// The number of residual blocks per down level, finest first; each up level has one more.
    var layers: [Int] = []
    /// Whether each up level has attention, coarsest first.
    var upHasAttention: [Bool] = []
  }

  /// Returns the module names of a network with these names.
  ///
  /// - Parameter contains: Returns whether a tensor with this name, without prefix, exists.
  static func modules(_ contains: (String) -> Bool) -> ModuleNames {
    var shape = Shape(layers: [0])
    for number in 1... {
      if contains("input_blocks.\(number).0.in_layers.2.weight") {
        shape.layers[shape.layers.count - 1] += 1
      } else if contains("input_blocks.\(number).0.op.weight") {
        shape.layers.append(0)
      } else {
        break
      }
    }
    var number = 0
    for count in shape.layers.reversed() {
      shape.upHasAttention.append(contains("output_blocks.\(number).1.norm.weight"))
      number += count + 1
    }
    return modules(of: shape)
  }

  /// Returns the module names that a network with diffusers names would have in this scheme.
  static func modules(of store: WeightStore) -> ModuleNames {
    var shape = Shape()
    for level in 0... {
      let layers = moduleCount("down_blocks.\(level).resnets", "conv1.weight", store.contains)
      guard layers > 0 else { break }
      shape.layers.append(layers)
      shape.upHasAttention.append(store.contains("up_blocks.\(level).attentions.0.norm.weight"))
    }
    return modules(of: shape)
  }

  private static func modules(of shape: Shape) -> ModuleNames {
    var names = ModuleNames()
    for (name, newName) in [
      ("time_embed.0", "time_embedding.linear_1"), ("time_embed.2", "time_embedding.linear_2"),
      ("time_embed.cond_proj", "time_embedding.cond_proj"), ("label_emb", "class_embedding"),
      ("input_blocks.0.0", "conv_in"), ("out.0", "conv_norm_out"), ("out.2", "conv_out"),
      ("middle_block.1", "mid_block.attentions.0"),
    ] {
      names.add(name, as: newName)
    }
    addResidual("middle_block.0", as: "mid_block.resnets.0", to: &names)
    addResidual("middle_block.2", as: "mid_block.resnets.1", to: &names)

    var number = 1
    for (level, count) in shape.layers.enumerated() {
      let path = "down_blocks.\(level)"
      for layer in 0..<count {
        addResidual("input_blocks.\(number).0", as: "\(path).resnets.\(layer)", to: &names)
        names.add("input_blocks.\(number).1", as: "\(path).attentions.\(layer)")
        number += 1
      }
      names.add("input_blocks.\(number).0.op", as: "\(path).downsamplers.0.conv")
      number += 1
    }

    number = 0
    for (block, count) in shape.layers.reversed().enumerated() {
      let path = "up_blocks.\(block)"
      for layer in 0...count {
        addResidual("output_blocks.\(number).0", as: "\(path).resnets.\(layer)", to: &names)
        if shape.upHasAttention[block] {
          names.add("output_blocks.\(number).1", as: "\(path).attentions.\(layer)")
        }
        if layer == count {
          let place = shape.upHasAttention[block] ? 2 : 1
          names.add("output_blocks.\(number).\(place).conv", as: "\(path).upsamplers.0.conv")
        }
        number += 1
      }
    }
    return names
  }

  private static func addResidual(_ name: String, as newName: String, to names: inout ModuleNames) {
    names.add(
      name, as: newName,
      renaming: [
        "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj",
        "out_layers.0": "norm2", "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
      ])
  }
}
