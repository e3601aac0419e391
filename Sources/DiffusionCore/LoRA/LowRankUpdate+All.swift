internal import Foundation

extension LowRankUpdate {
  /// Returns the updates that LoRAs make to the weights of networks, by network and tensor name.
  ///
  /// - Parameters:
  ///   - loras: The LoRAs.
  ///   - store: Returns the weights of a network as stored.
  /// - Throws: `InputError(.mismatch)` if a LoRA changes layers that the model does not have (the message names
  ///   them), or if a matrix does not fit its layer; errors of reading the weights.
  static func all(
    _ loras: [LoRAFile], _ store: (Checkpoint.Part) throws -> WeightStore
  ) throws -> [Checkpoint.Part: [String: [LowRankUpdate]]] {
    guard !loras.isEmpty else { return [:] }
    let networks = try [Checkpoint.Part.unet, .textEncoder].map { part in
      let store = try store(part)
      return (part: part, store: store, names: LayerNames(store, part))
    }
    var updates: [Checkpoint.Part: [String: [LowRankUpdate]]] = [:]
    for lora in loras {
      let unknown = lora.layers.filter { layer in
        !networks.contains { layer.part ?? $0.part == $0.part && $0.names.weight(of: layer.name) != nil }
      }
      guard unknown.isEmpty else {
        throw InputError(
          .mismatch,
          "\(lora.file.url.path) has \(lora.layers.count) layers, of which \(unknown.count) are not in the model: "
            + "\(unknown.map { $0.key }.listed). The LoRA is for another kind of model.")
      }
    }
    for (part, store, names) in networks {
      for lora in loras {
        for layer in lora.layers where layer.part ?? part == part {
          guard let weight = names.weight(of: layer.name), let shape = store.shape(of: weight) else {
            continue
          }
          updates[part, default: [:]][weight, default: []].append(
            try LowRankUpdate(layer, of: lora, to: weight, shape: shape))
        }
      }
    }
    return updates
  }
}
