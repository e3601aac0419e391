internal import CTensorKernels

/// The storage format of the elements of a weight.
package enum ScalarFormat: Sendable {
  /// IEEE single precision.
  case float32
  /// IEEE half precision.
  case float16
  /// The upper 16 bits of IEEE single precision.
  case bfloat16

  /// The size of an element in bytes.
  package var byteCount: Int { self == .float32 ? 4 : 2 }

  /// Converts stored elements to single precision.
  fileprivate func widen(
    _ stored: UnsafeRawPointer, into numbers: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    switch self {
    case .float32: numbers.update(from: stored.assumingMemoryBound(to: Float.self), count: count)
    case .float16: ctk_widen_f16(numbers, stored.assumingMemoryBound(to: UInt16.self), count)
    case .bfloat16: ctk_widen_bf16(numbers, stored.assumingMemoryBound(to: UInt16.self), count)
    }
  }
}

/// A reader of a layer's weight, which returns some rows at a time in their stored format.
package struct WeightSource {
  /// The length of each axis: outputs, inputs, then the axes of a kernel.
  package let shape: [Int]

  /// The stored format.
  package let format: ScalarFormat

  /// Whether to prefer low memory use over speed.
  let savesMemory: Bool

  /// Calls its last argument with the address of some rows.
  private let read: @Sendable (Range<Int>, (UnsafeRawPointer) throws -> Void) throws -> Void

  /// Creates a source of the given shape.
  ///
  /// - Parameters:
  ///   - savesMemory: Whether the layer keeps half-precision elements as stored, and one copy for the forward and the
  ///     backward pass. This costs time in every product; the products of a large network are long enough to hide it.
  ///   - read: A function that calls its second argument with the address of the rows in its first, contiguous and
  ///     row-major; it is called from several threads at a time.
  package init(
    shape: [Int], format: ScalarFormat, savesMemory: Bool,
    read: @escaping @Sendable (Range<Int>, (UnsafeRawPointer) throws -> Void) throws -> Void
  ) {
    self.shape = shape
    self.format = format
    self.savesMemory = savesMemory
    self.read = read
  }

  /// Creates a source that reads a tensor.
  package init(_ tensor: Tensor) {
    let rowLength = tensor.shape.dropFirst().reduce(1, *)
    self.init(shape: tensor.shape, format: .float32, savesMemory: false) { rows, body in
      guard let base = tensor.address(rows.lowerBound * rowLength) else { return }
      try body(UnsafeRawPointer(base))
    }
  }

  /// Returns the same elements in another shape with the same number of rows.
  package func reshaped(_ shape: [Int]) -> WeightSource {
    precondition(
      shape.first == outputs && shape.reduce(1, *) == self.shape.reduce(1, *), "\(self.shape) as \(shape)")
    return WeightSource(shape: shape, format: format, savesMemory: savesMemory, read: read)
  }

  /// Returns the weight plus an addend in single precision, rounded once to the layer's format.
  ///
  /// - Parameter add: A function that adds to some rows, contiguous and row-major; it is called from several threads at
  ///   a time.
  package func adding(
    _ add: @escaping @Sendable (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void
  ) -> WeightSource {
    let (kept, rowLength) = (keptFormat, inputs * taps)
    return WeightSource(shape: shape, format: kept, savesMemory: savesMemory) { rows, body in
      let count = rows.count * rowLength
      try withScratch(count) { sum in
        try read(rows) { stored in
          format.widen(stored, into: sum, count)
        }
        try add(rows, sum)
        guard kept != .float32 else { return try body(UnsafeRawPointer(sum)) }
        try withScratch((count + 1) / 2) { scratch in
          let halves = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UInt16.self)
          (kept == .float16 ? ctk_narrow_f16 : ctk_narrow_bf16)(halves, sum, count)
          try body(UnsafeRawPointer(halves))
        }
      }
    }
  }

  /// The format in which a layer keeps the elements.
  package var keptFormat: ScalarFormat { savesMemory ? format : .float32 }

  var outputs: Int { shape[0] }

  var inputs: Int { shape[1] }

  /// The number of elements per output and input: the size of a kernel.
  var taps: Int { shape.dropFirst(2).reduce(1, *) }

  /// Calls `body` with the address of some rows in the format in which a layer keeps them.
  package func withRows(_ rows: Range<Int>, _ body: (UnsafeRawPointer) throws -> Void) throws {
    guard keptFormat != format else { return try read(rows, body) }
    let count = rows.count * inputs * taps
    try read(rows) { stored in
      try withScratch(count) { numbers in
        format.widen(stored, into: numbers, count)
        try body(UnsafeRawPointer(numbers))
      }
    }
  }
}
