/// How a file names the tensors of a network.
protocol TensorNaming: Sendable {
  /// The tensors of the network, by their names in the layout of diffusers, that a stored one holds.
  ///
  /// - Parameters:
  ///   - name: in the file, without the prefix of the network.
  ///   - shape: of the stored tensor.
  /// - Returns: usually one; none for a tensor that no network here reads.
  func views(of name: String, shape: [Int]) -> [TensorView]
}

/// A tensor of a network as a part of a stored one.
struct TensorView {
  /// In the layout of diffusers.
  let name: String
  let shape: [Int]
  /// The first of the stored rows that it holds.
  var firstRow = 0
}

/// The names of diffusers, those of its first releases included.
struct DiffusersNaming: TensorNaming {
  private let part: Checkpoint.Part

  init(_ part: Checkpoint.Part) { self.part = part }

  func views(of name: String, shape: [Int]) -> [TensorView] {
    switch part {
    case .textEncoder: Self.isOfTextModel(name) ? [TensorView(name: Self.textName(name), shape: shape)] : []
    case .vae: [Self.autoencoderView(name, shape)]
    default: [TensorView(name: name, shape: shape)]
    }
  }

  /// Whether a tensor has to do with the embedding that a UNet reads.
  private static func isOfTextModel(_ name: String) -> Bool {
    !name.hasSuffix("position_ids") && !name.hasPrefix("text_projection") && name != "logit_scale"
      && !name.hasPrefix("vision_model.") && !name.hasPrefix("visual_projection")
  }

  private static func textName(_ name: String) -> String {
    name.hasPrefix("text_model.") ? name : "text_model.\(name)"
  }

  /// A projection of an attention is a matrix, even if it is stored as a 1x1 convolution.
  private static func autoencoderView(_ name: String, _ shape: [Int]) -> TensorView {
    var components = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard components.contains("attentions") else { return TensorView(name: name, shape: shape) }
    let new = ["query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"]
    let last = components.count - 2
    if last >= 0, let projection = new[components[last]] { components[last] = projection }
    return TensorView(
      name: components.joined(separator: "."),
      shape: shape.count == 4 && shape[2...] == [1, 1] ? Array(shape[..<2]) : shape)
  }
}
