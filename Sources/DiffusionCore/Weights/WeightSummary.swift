internal import Foundation

/// A summary of the weights of a part of a checkpoint.
package struct WeightSummary: Sendable, Equatable, Encodable {
  /// The names of the files, sorted.
  package var files: [String] = []
  /// The number of tensors.
  package var tensorCount = 0
  /// The number of scalars in all tensors.
  package var parameterCount = 0
  /// The number of bytes of all tensors.
  package var byteCount = 0
  /// The distinct scalar types, such as `F16`, sorted.
  package var types: [String] = []
}

extension WeightSummary {
  init(_ tensors: [WeightStore.Place]) {
    files = Set(tensors.map(\.file.url.lastPathComponent)).sorted()
    tensorCount = tensors.count
    parameterCount = tensors.reduce(0) { $0 + $1.entry.shape.reduce(1, *) }
    byteCount = tensors.reduce(0) { $0 + $1.entry.range.count }
    types = Set(tensors.map(\.entry.type)).sorted()
  }
}

extension Checkpoint {
  /// Summarizes the weights of a part; only headers are read.
  ///
  /// - Throws: `InputError` if the weights are missing or damaged.
  package func weightSummary(of part: Part) throws -> WeightSummary {
    let store = try store(of: part)
    return WeightSummary(store.names.compactMap(store.place))
  }
}
