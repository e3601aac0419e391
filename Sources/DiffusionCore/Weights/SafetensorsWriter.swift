public import Foundation
public import Tensor

/// A writer that collects tensors and writes them to a safetensors file.
///
/// The same content gives the same bytes in any order of addition: names are sorted, and no times or paths are
/// stored.
///
/// ```swift
/// var writer = SafetensorsWriter()
/// writer.metadata["caption"] = "a cat sitting next to a mirror"
/// writer.add("pivots", pivots)
/// try writer.write(to: url)
/// ```
public struct SafetensorsWriter: Sendable {
  /// The metadata strings of the file.
  public var metadata: [String: String] = [:]

  private enum Content: Sendable {
    case scalars(Tensor)
    case integers([Int], shape: [Int])

    var type: SafetensorsType {
      switch self {
      case .scalars: .float32
      case .integers: .int64
      }
    }

    var shape: [Int] {
      switch self {
      case .scalars(let tensor): tensor.shape
      case .integers(_, let shape): shape
      }
    }

    var byteCount: Int { shape.reduce(type.byteCount, *) }
  }

  private var contents: [String: Content] = [:]

  /// Creates an empty writer.
  public init() {}

  /// Adds a tensor as `F32`, or replaces the tensor with the same name.
  public mutating func add(_ name: String, _ tensor: Tensor) {
    precondition(name != "__metadata__", "\"__metadata__\" is not a valid tensor name")
    contents[name] = .scalars(tensor)
  }

  /// Adds integers as `I64`, or replaces the tensor with the same name.
  ///
  /// - Parameters:
  ///   - name: The name of the tensor.
  ///   - integers: The integers in row-major order.
  ///   - shape: The length of each axis; one axis by default.
  public mutating func add(_ name: String, integers: [Int], shape: [Int]? = nil) {
    precondition(name != "__metadata__", "\"__metadata__\" is not a valid tensor name")
    let shape = shape ?? [integers.count]
    precondition(shape.reduce(1, *) == integers.count, "\(shape) does not hold \(integers.count) integers")
    contents[name] = .integers(integers, shape: shape)
  }

  /// Writes the file under a temporary name and renames it, so that an existing file stays whole if an error occurs.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - synchronized: Whether to wait until the bytes are on the disk, so that a power failure cannot leave an empty
  ///     file.
  /// - Throws: `InputError(.unwritable)` if the folder is missing, full or not writable.
  public func write(to url: URL, synchronized: Bool = false) throws {
    try AtomicFile.write(to: url, synchronized: synchronized) { file in
      try forEachPiece { try file.append($0) }
    }
  }

  /// Returns the bytes of the file.
  public func data() -> Data {
    var data = Data()
    forEachPiece { data.append(contentsOf: $0) }
    return data
  }

  /// Calls `body` with the bytes of the file, in pieces.
  ///
  /// Integers come before single-precision numbers, and the header is padded with spaces, so that each tensor is
  /// aligned to its scalars.
  private func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    let inOrder = contents.sorted {
      let sizes = ($0.value.type.byteCount, $1.value.type.byteCount)
      return sizes.0 != sizes.1 ? sizes.0 > sizes.1 : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
    }
    let header = SafetensorsHeader.json(
      of: inOrder.map { ($0.key, $0.value.type.rawValue, $0.value.shape, $0.value.byteCount) }, metadata)
    try withUnsafeBytes(of: UInt64(header.count).littleEndian, body)
    try header.withUnsafeBytes(body)
    for (_, content) in inOrder {
      switch content {
      case .scalars(let tensor):
        #if _endian(little)
          try tensor.withScalars { try body(UnsafeRawBufferPointer($0)) }
        #else
          try tensor.scalars.map(\.bitPattern.littleEndian).withUnsafeBytes(body)
        #endif
      case .integers(let integers, _):
        try integers.map { Int64($0).littleEndian }.withUnsafeBytes(body)
      }
    }
  }
}
