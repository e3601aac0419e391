internal import CTensorKernels
internal import Foundation
internal import Tensor

/// The update of one weight by a LoRA: the scaled product of two matrices.
struct LowRankUpdate: Sendable {
  private let file: SafetensorsFile
  private let down: SafetensorsHeader.Entry
  private let up: SafetensorsHeader.Entry
  private let scale: Double

  /// - Parameters:
  ///   - layer: The layer in the file of the LoRA.
  ///   - lora: The LoRA.
  ///   - weight: The name of the weight that the update changes.
  ///   - shape: The shape of the weight.
  /// - Throws: `InputError(.mismatch)` if the product has another shape.
  init(_ layer: LoRAFile.Layer, of lora: LoRAFile, to weight: String, shape: [Int]) throws {
    (file, down, up) = (lora.file, layer.down, layer.up)
    scale = lora.lora.weight * layer.scale
    let (outputs, inputs) = (shape[0], shape.dropFirst().reduce(1, *))
    guard up.shape[0] == outputs, down.shape.dropFirst().reduce(1, *) == inputs else {
      throw InputError(
        .mismatch,
        "\(file.url.path) has an update of \(up.shape[0]) x \(down.shape.dropFirst().reduce(1, *)) values, but the "
          + "model's \"\(weight)\" has the shape \(shape). The LoRA is for another kind of model.")
    }
  }

  var path: String { file.url.path }

  func add(to fingerprint: inout Fingerprint) throws {
    fingerprint.add(json: .number(scale))
    try fingerprint.add("down", WeightStore.Place(file: file, entry: down))
    try fingerprint.add("up", WeightStore.Place(file: file, entry: up))
  }

  /// Returns the two matrices in single precision, with the up matrix scaled.
  ///
  /// - Throws: `InputError` if they cannot be read.
  fileprivate func factors() throws -> LowRankFactors {
    LowRankFactors(
      down: try file.tensor(down), up: try file.tensor(up) * Float(scale), rank: down.shape[0])
  }
}

/// The matrices of an update, in memory.
private struct LowRankFactors: Sendable {
  /// rank x inputs.
  let down: Tensor
  /// outputs x rank.
  let up: Tensor
  let rank: Int

  /// Adds a range of rows of the product to `sum`.
  func add(_ rows: Range<Int>, to sum: UnsafeMutablePointer<Float>, rowLength: Int) {
    guard let up = up.address(rows.lowerBound * rank), let down = down.address(0) else { return }
    BLAS.multiply(
      .init(up, stride: rank), .init(down, stride: rowLength), into: sum, stride: rowLength,
      rows: rows.count, columns: rowLength, depth: rank, accumulates: true)
  }
}

extension [LowRankUpdate] {
  /// Returns the tensor plus the updates.
  func added(to tensor: Tensor) throws -> Tensor {
    let factors = try map { try $0.factors() }
    let (rows, rowLength) = (tensor.shape[0], tensor.shape.dropFirst().reduce(1, *))
    return Tensor(shape: tensor.shape) { sum in
      guard let base = sum.baseAddress else { return }
      tensor.withScalars { scalars in _ = sum.update(from: scalars) }
      for factor in factors { factor.add(0..<rows, to: base, rowLength: rowLength) }
    }
  }

  /// Returns the weight plus the updates, summed in single precision and rounded once to the format in which the
  /// layer keeps it.
  ///
  /// - Parameters:
  ///   - weight: The weight without updates.
  ///   - name: The name of the weight, for messages.
  /// - Throws: `InputError` if a sum is out of the format's range.
  func added(to weight: WeightSource, _ name: String) throws -> WeightSource {
    let factors = try map { try $0.factors() }
    let rowLength = weight.shape.dropFirst().reduce(1, *)
    let limit: Float = weight.keptFormat == .float16 ? 65_520 : .infinity
    let files = map(\.path).joined(separator: " and ")
    return weight.adding { rows, sum in
      for factor in factors { factor.add(rows, to: sum, rowLength: rowLength) }
      let count = rows.count * rowLength
      let largest = sum.withMemoryRebound(to: UInt32.self, capacity: count) {
        ctk_largest_magnitude_32($0, count)
      }
      guard largest < limit.bitPattern else {
        throw InputError(
          .outOfRange,
          "With \(files) the model's \"\(name)\" has values too large for its precision. Use a smaller LoRA weight."
        )
      }
    }
  }
}
