package import Foundation

/// What the file of a LoRA amounts to.
package struct LoRASummary: Sendable, Equatable, Encodable {
  package let path: String
  /// The number of layers that it changes, by the network in words.
  package let layerCounts: [String: Int]
  /// The ranks that occur, in order.
  package let ranks: [Int]
  /// What products are multiplied by, alpha / rank, in order.
  package let scales: [Double]

  /// - Returns: nil if the file is none, by the names of its tensors.
  /// - Throws: `InputError` if it is damaged, or of a kind that is not supported.
  package init?(ifLoRA url: URL) throws {
    guard let file = try? SafetensorsFile(contentsOf: url), LoRAFile.isLoRA(file.names) else { return nil }
    self.init(try LoRAFile(LoRA(url)))
  }

  /// Reads all matrices.
  ///
  /// - Throws: `InputError` if one cannot be read, or has a value that is not a finite number.
  package static func check(_ url: URL) throws {
    let file = try LoRAFile(LoRA(url))
    for layer in file.layers {
      for entry in [layer.down, layer.up] { _ = try file.file.tensor(entry) }
    }
  }

  init(_ file: LoRAFile) {
    path = file.file.url.path
    layerCounts = Dictionary(file.layers.map { ($0.part?.words ?? "UNet", 1) }, uniquingKeysWith: +)
    ranks = Set(file.layers.map { $0.down.shape[0] }).sorted()
    scales = Set(file.layers.map(\.scale)).sorted()
  }
}

extension Checkpoint {
  /// What the LoRAs are that are merged into the weights, with what they are multiplied by.
  package var loraSummaries: [(summary: LoRASummary, weight: Double)] {
    loras.map { (LoRASummary($0), $0.lora.weight) }
  }
}
