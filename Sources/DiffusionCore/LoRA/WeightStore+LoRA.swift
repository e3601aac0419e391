internal import Foundation

extension WeightStore {
  /// The weights with what LoRAs add to them.
  ///
  /// - Throws: `InputError(.mismatch)` if a matrix of a LoRA does not fit its layer.
  func adding(_ loras: [LoRAFile], _ part: Checkpoint.Part) throws -> WeightStore {
    let names = LayerNames(self, part)
    var updates: [String: [LowRankUpdate]] = [:]
    for lora in loras {
      for layer in lora.layers where layer.part ?? part == part {
        guard let weight = names.weight(of: layer.name), let shape = shape(of: weight) else { continue }
        updates[weight, default: []].append(try LowRankUpdate(layer, of: lora, to: weight, shape: shape))
      }
    }
    return updated(updates)
  }
}

extension Checkpoint {
  /// - Throws: `InputError(.mismatch)` with the names if a LoRA changes layers that the model does not have.
  func checkLoRAs() throws {
    guard !loras.isEmpty else { return }
    let parts: [Part] = [.unet, .textEncoder]
    let names = try parts.map { ($0, LayerNames(try storedWeights(of: $0), $0)) }
    for lora in loras {
      let strangers = lora.layers.filter { layer in
        !names.contains { layer.part ?? $0 == $0 && $1.weight(of: layer.name) != nil }
      }
      guard strangers.isEmpty else {
        throw InputError(
          .mismatch,
          "\(lora.file.url.path) changes \(strangers.count) of \(lora.layers.count) layers that the model does not have: "
            + "\(strangers.map { $0.key }.listed). It was made for another kind of model.")
      }
    }
    for part in parts { _ = try store(of: part) }
  }
}
