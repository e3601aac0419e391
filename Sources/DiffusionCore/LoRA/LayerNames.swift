/// The layers of a network, by all spellings that LoRA files use.
struct LayerNames {
  /// Spellings with underscores instead of dots, mapped to names of weights.
  private var weights: [String: String] = [:]

  init(_ store: WeightStore, _ part: Checkpoint.Part) {
    let original = part == .unet ? OriginalUNet.modules(of: store).inverse : ModuleNames()
    for weight in store.names where weight.hasSuffix(".weight") && (store.shape(of: weight)?.count ?? 0) >= 2
    {
      let layer = String(weight.dropLast(".weight".count))
      weights[Self.spelling(layer)] = weight
      // Newer releases of text encoders omit this prefix.
      if layer.hasPrefix("text_model.") { weights[Self.spelling(String(layer.dropFirst(11)))] = weight }
      // Attention processors name this layer `to_out`, without an index.
      if layer.hasSuffix(".to_out.0") { weights[Self.spelling(String(layer.dropLast(2)))] = weight }
      if let name = original.newName(of: weight) {
        weights[Self.spelling(String(name.dropLast(".weight".count)))] = weight
      }
    }
  }

  /// Returns the name of a layer's weight, or nil if there is no such layer.
  func weight(of layer: String) -> String? { weights[Self.spelling(layer)] }

  private static func spelling(_ layer: String) -> String { layer.replacing(".", with: "_") }
}
