/// The name of a tensor in a LoRA file, split into network, layer and role.
struct LoRAKey {
  /// The role of a tensor in the update of its layer.
  enum Role {
    /// The matrix from the layer's inputs to the rank: rank x inputs x kernel.
    case down
    /// The matrix from the rank to the layer's outputs: outputs x rank.
    case up
    /// The scalar alpha; the factor of the product is alpha / rank.
    case alpha
  }

  /// The network that the name states; nil if it states none.
  let part: Checkpoint.Part?

  /// The layer as spelled in the file, without the network's prefix.
  let layer: String

  let role: Role

  private static let roles: [(suffix: String, role: Role)] = [
    (".lora_down.weight", .down), (".lora_up.weight", .up), (".alpha", .alpha),
    (".lora_A.weight", .down), (".lora_B.weight", .up),
    (".lora_A.default.weight", .down), (".lora_B.default.weight", .up),
    (".lora.down.weight", .down), (".lora.up.weight", .up),
    ("_lora.down.weight", .down), ("_lora.up.weight", .up),
    (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
  ]

  private static let prefixes: [(prefix: String, part: Checkpoint.Part?)] = [
    ("lora_unet_", .unet), ("lora_te1_", .textEncoder), ("lora_te_", .textEncoder), ("unet.", .unet),
    ("text_encoder.", .textEncoder), ("base_model.model.", nil),
  ]

  /// Parts of tensor names that belong to unsupported methods, with the names of the methods.
  private static let otherKinds: [(part: String, kind: String)] = [
    (".dora_scale", "DoRA"), (".lora_magnitude_vector", "DoRA"), (".hada_", "LoHa"), (".lokr_", "LoKr"),
    (".lora_mid.", "a LoCon in Tucker form"), (".oft_", "OFT"), (".boft_", "OFT"), (".a1.weight", "GLoRA"),
    (".diff", "a difference of whole weights"), (".lora_B.bias", "a LoRA with biases"),
    (".lora_up.bias", "a LoRA with biases"), (".bias", "a LoRA with biases"),
  ]

  /// Returns the unsupported method that a tensor name belongs to, or nil.
  static func unsupportedKind(of name: String) -> String? {
    otherKinds.first { name.contains($0.part) }?.kind
  }

  /// Parses the name of a tensor; nil if it does not belong to a supported LoRA.
  init?(_ name: String) {
    guard let (suffix, role) = Self.roles.first(where: { name.hasSuffix($0.suffix) }) else { return nil }
    let layer = name.dropLast(suffix.count)
    let prefix = Self.prefixes.first { layer.hasPrefix($0.prefix) }
    part = prefix?.part
    self.role = role
    // Before version 0.15, diffusers put the layers into an attention processor.
    self.layer = String(layer.dropFirst(prefix?.prefix.count ?? 0)).replacing(".processor.", with: ".")
  }
}
