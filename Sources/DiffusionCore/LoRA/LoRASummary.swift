internal import Foundation

/// A summary of a LoRA file.
package struct LoRASummary: Sendable, Equatable, Encodable {
  package let path: String
  /// The number of changed layers, by the network's name in messages.
  package let layerCounts: [String: Int]
  /// The distinct ranks, sorted.
  package let ranks: [Int]
  /// The distinct factors of the products, alpha / rank, sorted.
  package let scales: [Double]

  /// Summarizes a LoRA file.
  ///
  /// - Parameters:
  ///   - file: The file of the LoRA.
  ///   - checksValues: Whether to read all matrices and check their values.
  /// - Throws: `InputError` if the file is damaged or of an unsupported kind, or if a value that is read is not
  ///   finite.
  package init(_ file: SafetensorsFile, checksValues: Bool = false) throws {
    let lora = try LoRAFile(LoRA(file.url), file)
    self.init(lora)
    guard checksValues else { return }
    for entry in lora.layers.flatMap({ [$0.down, $0.up] }) { _ = try lora.file.tensor(entry) }
  }

  init(_ file: LoRAFile) {
    path = file.file.url.path
    layerCounts = Dictionary(file.layers.map { ($0.part?.words ?? "UNet", 1) }, uniquingKeysWith: +)
    ranks = Set(file.layers.map { $0.down.shape[0] }).sorted()
    scales = Set(file.layers.map(\.scale)).sorted()
  }
}

extension Checkpoint {
  /// The LoRAs merged into the weights, with their weights.
  package var loraSummaries: [(summary: LoRASummary, weight: Double)] {
    loras.map { (LoRASummary($0), $0.lora.weight) }
  }
}
