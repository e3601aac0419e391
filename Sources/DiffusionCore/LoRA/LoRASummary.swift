internal import Foundation

/// What the file of a LoRA amounts to.
package struct LoRASummary: Sendable, Equatable, Encodable {
  package let path: String
  /// The number of layers that it changes, by the network in words.
  package let layerCounts: [String: Int]
  /// The ranks that occur, in order.
  package let ranks: [Int]
  /// What products are multiplied by, alpha / rank, in order.
  package let scales: [Double]

  /// - Parameters:
  ///   - file: of the LoRA.
  ///   - checksValues: whether all matrices are read.
  /// - Throws: `InputError` if it is damaged, of a kind that is not supported, or has a value that was looked at and is not a
  ///   finite number.
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
  /// What the LoRAs are that are merged into the weights, with what they are multiplied by.
  package var loraSummaries: [(summary: LoRASummary, weight: Double)] {
    loras.map { (LoRASummary($0), $0.lora.weight) }
  }
}
