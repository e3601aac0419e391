internal import Foundation
internal import Tensor

extension WeightStore {
  /// The approximate number of bytes of a tensor held at a time.
  private static let pieceByteCount = 1 << 22

  /// Writes the tensors to a safetensors file, with their diffusers names, stored types and updates.
  ///
  /// - Throws: `InputError` if a tensor cannot be read or the file cannot be written; `CancellationError` if the task
  ///   is cancelled.
  func write(to url: URL) throws {
    let places = names.compactMap { name in place(of: name).map { (name, $0) } }
    let header = SafetensorsHeader.json(
      of: places.map { ($0, $1.entry.type, $1.entry.shape, $1.entry.range.count) }, ["format": "pt"])
    try AtomicFile.write(to: url) { file in
      try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.append($0) }
      try header.withUnsafeBytes { try file.append($0) }
      for (name, place) in places {
        try forEachPiece(of: name, place) { try file.append($0) }
      }
    }
  }

  private func forEachPiece(
    of name: String, _ place: Place, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard let updates = updates[name] else {
      var start = place.entry.range.lowerBound
      while start < place.entry.range.upperBound {
        try Task.checkCancellation()
        let end = min(start + Self.pieceByteCount, place.entry.range.upperBound)
        try place.file.file.bytes(start..<end).withUnsafeBytes(body)
        start = end
      }
      return
    }
    let stored = try place.file.weight(place.entry, savesMemory: true)
    guard stored.format.byteCount * stored.shape.reduce(1, *) == place.entry.range.count else {
      throw InputError(
        .unsupported,
        "\"\(name)\" of \(path) has the type \(place.entry.type). A LoRA can be merged only into F32, F16 and BF16."
      )
    }
    let weight = try updates.added(to: stored, name)
    let rowByteCount = place.entry.range.count / weight.shape[0]
    let rows = max(1, Self.pieceByteCount / rowByteCount)
    for start in stride(from: 0, to: weight.shape[0], by: rows) {
      try Task.checkCancellation()
      let range = start..<min(start + rows, weight.shape[0])
      try weight.withRows(range) {
        try body(UnsafeRawBufferPointer(start: $0, count: range.count * rowByteCount))
      }
    }
  }
}
