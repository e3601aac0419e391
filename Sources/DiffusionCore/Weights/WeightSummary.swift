internal import Foundation

/// What the weights of a part of a checkpoint amount to.
package struct WeightSummary: Sendable, Equatable, Encodable {
  /// The names of the files, in order.
  package var files: [String] = []
  /// The number of tensors.
  package var tensorCount = 0
  /// The number of scalars in all tensors.
  package var parameterCount = 0
  /// The bytes of all tensors.
  package var byteCount = 0
  /// The types of scalars that occur, such as `F16`, in order.
  package var types: [String] = []
}

extension Checkpoint {
  /// What the weights of a part amount to; only headers are read.
  ///
  /// - Throws: `InputError` if there are none, or damaged ones.
  package func weightSummary(of part: Part) throws -> WeightSummary {
    let store = try store(of: part)
    var summary = WeightSummary(tensorCount: store.names.count)
    var (files, types) = (Set<String>(), Set<String>())
    for name in store.names {
      guard let place = store.place(of: name) else { continue }
      let entry = place.entry
      files.insert(place.file.url.lastPathComponent)
      types.insert(entry.type)
      summary.parameterCount += entry.shape.reduce(1, *)
      summary.byteCount += entry.range.count
    }
    summary.files = files.sorted()
    summary.types = types.sorted()
    return summary
  }
}
