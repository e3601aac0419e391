/// A scheme of tensor names for a network in a file.
protocol TensorNaming: Sendable {
  /// Returns the tensors of the network, by their diffusers names, that a stored tensor holds.
  ///
  /// - Parameters:
  ///   - name: The name in the file, without the network's prefix.
  ///   - shape: The shape of the stored tensor.
  /// - Returns: Usually one tensor; none if the tensor is not used.
  func views(of name: String, shape: [Int]) -> [TensorView]
}

/// A tensor of a network, as a range of rows of a stored tensor.
struct TensorView {
  /// The name in the diffusers layout.
  let name: String
  let shape: [Int]
  /// The index of the first stored row that belongs to it.
  var firstRow = 0
}

/// The tensor names of diffusers, including those of its first releases.
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

  /// Returns whether a tensor is needed to compute the text embedding that the UNet reads.
  private static func isOfTextModel(_ name: String) -> Bool {
    !name.hasSuffix("position_ids") && !name.hasPrefix("text_projection") && name != "logit_scale"
      && !name.hasPrefix("vision_model.") && !name.hasPrefix("visual_projection")
  }

  private static func textName(_ name: String) -> String {
    name.hasPrefix("text_model.") ? name : "text_model.\(name)"
  }

  /// Returns the view of an autoencoder's tensor; an attention projection is a matrix even if stored as a 1x1
  /// convolution.
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
