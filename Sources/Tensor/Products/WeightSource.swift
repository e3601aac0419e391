internal import CTensorKernels

/// How the scalars of a weight are stored.
package enum ScalarFormat: Sendable {
  /// IEEE single precision.
  case float32
  /// IEEE half precision.
  case float16
  /// The upper half of a single-precision number.
  case bfloat16

  /// The size of a scalar.
  package var byteCount: Int { self == .float32 ? 4 : 2 }

  /// Stored scalars in single precision.
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

/// Where a layer gets the scalars of its weight: some rows at a time, as they are stored.
package struct WeightSource {
  /// The length of each axis, outputs first, then inputs, then the axes of a kernel.
  package let shape: [Int]

  /// How the scalars are stored.
  package let format: ScalarFormat

  /// Whether memory matters more than time.
  let savesMemory: Bool

  /// Calls its last argument with the bytes of some rows.
  private let read: @Sendable (Range<Int>, (UnsafeRawPointer) throws -> Void) throws -> Void

  /// A weight of the given shape.
  ///
  /// - Parameters:
  ///   - savesMemory: whether a layer keeps half-precision scalars as they are and one copy for both directions, which
  ///     takes some time at every product. The products of a large network are long enough to hide it.
  ///   - read: calls its second argument with the address of the rows of its first, contiguous and in row-major order;
  ///     called from several threads at a time.
  package init(
    shape: [Int], format: ScalarFormat, savesMemory: Bool,
    read: @escaping @Sendable (Range<Int>, (UnsafeRawPointer) throws -> Void) throws -> Void
  ) {
    self.shape = shape
    self.format = format
    self.savesMemory = savesMemory
    self.read = read
  }

  /// A tensor as a weight.
  package init(_ tensor: Tensor) {
    let rowLength = tensor.shape.dropFirst().reduce(1, *)
    self.init(shape: tensor.shape, format: .float32, savesMemory: false) { rows, body in
      guard let base = tensor.address(rows.lowerBound * rowLength) else { return }
      try body(UnsafeRawPointer(base))
    }
  }

  /// The same scalars under another shape with as many rows.
  package func reshaped(_ shape: [Int]) -> WeightSource {
    precondition(
      shape.first == outputs && shape.reduce(1, *) == self.shape.reduce(1, *), "\(self.shape) as \(shape)")
    return WeightSource(shape: shape, format: format, savesMemory: savesMemory, read: read)
  }

  /// The same weight with something added to it in single precision, rounded once to the format in which a layer keeps it.
  ///
  /// - Parameter add: adds to some rows, contiguous and in row-major order; called from several threads at a time.
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

  /// How a layer keeps the scalars.
  package var keptFormat: ScalarFormat { savesMemory ? format : .float32 }

  var outputs: Int { shape[0] }

  var inputs: Int { shape[1] }

  /// The number of scalars for one output and one input: the size of a kernel.
  var taps: Int { shape.dropFirst(2).reduce(1, *) }

  /// Calls `body` with the address of some rows in the format in which they are kept.
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
