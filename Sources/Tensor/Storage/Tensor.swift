/// A dense, row-major array of single-precision numbers.
///
/// Tensors have value semantics: copies share their storage until one of them is modified. Images and latents are
/// height × width × channels, token sequences are tokens × channels. There is no batch axis, because each network
/// evaluation of this package processes one sample.
///
/// ```swift
/// let t = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
/// print(t.transposed())  // Tensor(3x2, mean 3.5, std 1.708)
/// ```
///
/// Incompatible shapes are programming errors and trap. External data is validated where it is read, with thrown
/// errors.
public struct Tensor: Sendable {
  /// The length of each axis, outermost first.
  public private(set) var shape: [Int]

  package private(set) var storage: TensorStorage

  /// The number of elements.
  public var count: Int { storage.count }

  package init(shape: [Int], storage: TensorStorage) {
    precondition(shape.reduce(1, *) == storage.count, "shape \(shape) does not hold \(storage.count) scalars")
    self.shape = shape
    self.storage = storage
  }

  /// Creates a tensor; `initializer` must write every element.
  public init(shape: [Int], initializingWith initializer: (UnsafeMutableBufferPointer<Float>) throws -> Void)
    rethrows
  {
    let storage = TensorStorage(count: shape.reduce(1, *))
    try initializer(storage.scalars)
    self.init(shape: shape, storage: storage)
  }

  /// Creates a tensor from elements in row-major order.
  public init(_ scalars: some Collection<Float>, shape: [Int]) {
    self.init(shape: shape) {
      precondition($0.count == scalars.count, "shape \(shape) does not hold \(scalars.count) scalars")
      _ = $0.initialize(fromContentsOf: scalars)
    }
  }

  /// Creates a tensor with all elements equal to `scalar`.
  public init(repeating scalar: Float, shape: [Int]) {
    self.init(shape: shape) { $0.initialize(repeating: scalar) }
  }

  /// Creates a tensor of zeros.
  public init(zeros shape: [Int]) { self.init(repeating: 0, shape: shape) }

  /// The elements in row-major order.
  public var scalars: [Float] { withScalars { Array($0) } }

  /// Calls `body` with the elements in row-major order.
  @inlinable
  public func withScalars<R, E: Error>(_ body: (UnsafeBufferPointer<Float>) throws(E) -> R) throws(E) -> R {
    try body(readOnlyScalars)
  }

  /// Calls `body` with the mutable elements in row-major order; copies the storage first if it is shared.
  public mutating func withMutableScalars<R, E: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    return try body(storage.scalars)
  }

  /// Whether no other tensor shares the storage.
  var ownsItsStorage: Bool { mutating get { isKnownUniquelyReferenced(&storage) } }

  @usableFromInline package var readOnlyScalars: UnsafeBufferPointer<Float> { .init(storage.scalars) }
}

extension Tensor {
  /// Returns the same elements in another shape with the same count; the storage is shared.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, storage: storage) }

  /// The height, width and channel count of an image or feature map.
  public var shape3: (Int, Int, Int) {
    precondition(shape.count == 3, "\(shape) is not height x width x channels")
    return (shape[0], shape[1], shape[2])
  }

  /// The row and column count of a matrix.
  public var shape2: (Int, Int) {
    precondition(shape.count == 2, "\(shape) is not rows x columns")
    return (shape[0], shape[1])
  }

  /// The length of a row: the last axis.
  public var rowLength: Int { shape.last ?? 1 }

  /// The number of rows: the product of all axes but the last.
  public var rowCount: Int { rowLength == 0 ? 0 : count / rowLength }

  /// Returns the transpose of a matrix.
  public func transposed() -> Tensor {
    let (rows, columns) = shape2
    let source = readOnlyScalars
    return Tensor(shape: [columns, rows]) { target in
      for r in 0..<rows { for c in 0..<columns { target[c * rows + r] = source[r * columns + c] } }
    }
  }

  /// Returns a copy of the slices `range` along the first axis.
  public subscript(range: Range<Int>) -> Tensor {
    precondition(
      !shape.isEmpty && range.lowerBound >= 0 && range.upperBound <= shape[0], "\(range) of \(shape)")
    let stride = shape.dropFirst().reduce(1, *)
    let part = UnsafeBufferPointer(
      rebasing: readOnlyScalars[range.lowerBound * stride..<range.upperBound * stride])
    return Tensor(part, shape: [range.count] + shape.dropFirst())
  }

  /// Returns a copy of the slice `index` of the first axis, without that axis.
  public subscript(index: Int) -> Tensor { self[index..<index + 1].reshaped(Array(shape.dropFirst())) }

  /// Creates a tensor by stacking tensors of the same shape along a new first axis.
  public init(stacking tensors: [Tensor]) {
    let shape = tensors.first?.shape ?? []
    let length = shape.reduce(1, *)
    self.init(shape: [tensors.count] + shape) { target in
      for (i, tensor) in tensors.enumerated() {
        precondition(tensor.shape == shape, "\(tensor.shape) among tensors of \(shape)")
        _ = UnsafeMutableBufferPointer(rebasing: target[i * length..<(i + 1) * length])
          .initialize(fromContentsOf: tensor.readOnlyScalars)
      }
    }
  }
}

extension Tensor: Equatable {
  /// Whether shapes and elements are equal.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape && (a.storage === b.storage || a.readOnlyScalars.elementsEqual(b.readOnlyScalars))
  }
}

extension Tensor: CustomStringConvertible, CustomDebugStringConvertible {
  /// The shape, mean and standard deviation in one line.
  public var description: String {
    func rounded(_ x: Double) -> String { "\((x * 1000).rounded() / 1000)" }
    let n = Double(max(count, 1))
    let mean = readOnlyScalars.reduce(0.0) { $0 + Double($1) } / n
    let variance = readOnlyScalars.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
    let size = shape.map(String.init).joined(separator: "x")
    return "Tensor(\(size), mean \(rounded(mean)), std \(rounded(variance.squareRoot())))"
  }

  /// The description and the first 8 elements.
  public var debugDescription: String { "\(description) \(readOnlyScalars.prefix(8).map { $0 })" }
}
