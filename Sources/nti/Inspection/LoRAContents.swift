internal import DiffusionCore
internal import Foundation

/// The description of a LoRA file.
struct LoRAContents: Contents {
  let kind = "lora"
  let path: String
  let summary: LoRASummary

  private enum CodingKeys: String, CodingKey { case kind, path, summary }

  init(_ path: String, _ summary: LoRASummary) {
    self.path = path
    self.summary = summary
  }

  var text: String {
    var table = FactTable()
    table.add("layers", summary.layerText)
    table.add("rank", summary.ranks.map(String.init).joined(separator: ", "))
    table.add("alpha / rank", summary.scales.map { Format.scientific($0) }.joined(separator: ", "))
    return "\(path): a LoRA\n\(table.text)"
  }
}

extension LoRASummary {
  /// The number of layers of each network, as in "128 of the UNet, 72 of the text encoder".
  var layerText: String {
    layerCounts.sorted { $0.key > $1.key }
      .map { "\($0.value) of the \($0.key)" }.joined(separator: ", ")
  }
}
