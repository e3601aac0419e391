internal import Foundation

/// The training settings in a LoRA file of diffusers, from the metadata key `lora_adapter_metadata`.
struct PEFTSettings {
  private struct Settings {
    var alpha: Double?
    var alphaPattern: [String: Double] = [:]
    var dividesBySquareRoot = false
  }

  private var settings: [String: Settings] = [:]

  /// - Throws: `InputError` if the settings state an unsupported kind.
  init(_ file: SafetensorsFile) throws {
    guard let text = file.metadata["lora_adapter_metadata"],
      case .object(let members)? = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    else { return }
    for (key, value) in members {
      let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
      let (part, name) = parts.count == 2 ? (parts[0], parts[1]) : ("", key)
      switch (name, value) {
      case ("lora_alpha", .number(let alpha)): settings[part, default: Settings()].alpha = alpha
      case ("use_rslora", .bool(let isUsed)):
        settings[part, default: Settings()].dividesBySquareRoot = isUsed
      case ("alpha_pattern", .object(let pattern)):
        for case (let layer, .number(let alpha)) in pattern {
          settings[part, default: Settings()].alphaPattern[layer] = alpha
        }
      case ("use_dora", .bool(true)):
        throw InputError(
          .unsupported, "\(file.url.path) is DoRA (use_dora), which is not supported. Only plain LoRAs are.")
      default: break
      }
    }
  }

  /// Returns the factor of the product for a layer without an alpha tensor; 1, which means alpha = rank, if no alpha
  /// is stated.
  func scale(of layer: String, _ part: Checkpoint.Part?, rank: Int) -> Double {
    guard let settings = settings[part?.rawValue ?? ""] ?? settings[""] else { return 1 }
    let pattern = settings.alphaPattern.first { layer == $0.key || layer.hasSuffix(".\($0.key)") }?.value
    guard let alpha = pattern ?? settings.alpha else { return 1 }
    return alpha / (settings.dividesBySquareRoot ? Double(rank).squareRoot() : Double(rank))
  }
}
