internal import CTensorKernels
public import Foundation
public import Tensor

/// A safetensors file, open for reading.
///
/// The header is checked when the file is opened; a tensor's bytes are read when it is asked for. Single-precision
/// tensors are views of the mapped file, not copies, and keep it mapped.
///
///     let file = try SafetensorsFile(contentsOf: url)
///     let weight = try file.tensor(named: "conv_in.weight")
public struct SafetensorsFile: Sendable {
  /// Where the file is.
  public var url: URL { file.url }

  /// The strings that the writer of the file put beside the tensors.
  public let metadata: [String: String]

  /// The names of the tensors, sorted.
  public let names: [String]

  let entries: [String: SafetensorsHeader.Entry]
  let file: MappedFile

  /// Opens a file and checks its header.
  ///
  /// - Throws: `InputError` if the file is missing or its header is not sound: damaged, truncated, with bytes that
  ///   belong to no tensor or to two.
  public init(contentsOf url: URL) throws {
    file = try MappedFile(url)
    let header = try SafetensorsHeader(of: file.bytes, path: url.path)
    entries = header.entries
    metadata = header.metadata
    names = entries.keys.sorted()
  }

  /// Whether there is a tensor of this name.
  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// The length of each axis of a tensor; nil if there is none of this name.
  public func shape(of name: String) -> [Int]? { entries[name]?.shape }

  /// The type of a tensor's scalars as the format writes it, such as `F16`; nil if there is none of this name.
  public func scalarType(of name: String) -> String? { entries[name]?.type }

  /// A tensor of the file in single precision.
  ///
  /// - Throws: `InputError(.missing)` if there is no such tensor, `InputError(.unsupported)` unless its scalars are
  ///   `F32`, `F16`, `BF16` or `F64`.
  public func tensor(named name: String) throws -> Tensor {
    let entry = try entry(named: name)
    return try withBytes(of: entry) { bytes in try tensor(named: name, entry, bytes) }
  }

  /// A tensor of the file as a layer's weight, read while it is packed.
  ///
  /// - Parameter savesMemory: whether memory matters more to the layer than time.
  /// - Throws: as `tensor(named:)`.
  func weight(named name: String, savesMemory: Bool) throws -> WeightSource {
    let entry = try entry(named: name)
    let format: ScalarFormat? =
      switch SafetensorsType(rawValue: entry.type) {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      default: nil
      }
    #if _endian(little)
      if let format {
        let rowBytes = entry.shape.dropFirst().reduce(format.byteCount, *)
        return WeightSource(shape: entry.shape, format: format, savesMemory: savesMemory) { rows, body in
          try withBytes(of: entry) { bytes in
            guard let base = bytes.baseAddress else { return }
            try body(base + rows.lowerBound * rowBytes)
          }
        }
      }
    #endif
    return WeightSource(try tensor(named: name))
  }

  private func tensor(
    named name: String, _ entry: SafetensorsHeader.Entry, _ bytes: UnsafeRawBufferPointer
  ) throws -> Tensor {
    switch SafetensorsType(rawValue: entry.type) {
    case .float32:
      #if _endian(little)
        if let base = bytes.baseAddress, UInt(bitPattern: base) % UInt(MemoryLayout<Float>.alignment) == 0 {
          let scalars = UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: Float.self), count: bytes.count / MemoryLayout<Float>.size)
          return Tensor(shape: entry.shape, storage: TensorStorage(borrowing: scalars, owner: file))
        }
      #endif
      return converted(entry, bytes, from: UInt32.self) { Float(bitPattern: $0) }
    case .float16: return widened(entry, bytes, ctk_widen_f16, HalfPrecision.float(binary16:))
    case .bfloat16: return widened(entry, bytes, ctk_widen_bf16, HalfPrecision.float(bfloat16:))
    case .float64: return converted(entry, bytes, from: UInt64.self) { Float(Double(bitPattern: $0)) }
    default:
      throw InputError(
        .unsupported,
        "Tensor \"\(name)\" of \(url.path) holds \(entry.type), not floating-point numbers of "
          + "16, 32 or 64 bits. Convert the checkpoint to one of these.")
    }
  }

  /// The numbers of an integer tensor in row-major order.
  ///
  /// - Throws: `InputError(.missing)` if there is no such tensor, `InputError(.unsupported)` unless its scalars are
  ///   `I64` or `I32`.
  public func integers(named name: String) throws -> [Int] {
    let entry = try entry(named: name)
    switch SafetensorsType(rawValue: entry.type) {
    case .int64:
      return withBytes(of: entry) { bytes in
        (0..<bytes.count / 8).map {
          Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)))
        }
      }
    case .int32:
      return withBytes(of: entry) { bytes in
        (0..<bytes.count / 4).map {
          Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)))
        }
      }
    default:
      throw InputError(
        .unsupported, "Tensor \"\(name)\" of \(url.path) holds \(entry.type), not integers of 32 or 64 bits.")
    }
  }

  /// Calls `body` with a tensor's bytes as they lie in the file.
  func withBytes<R>(
    of entry: SafetensorsHeader.Entry, _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    try withExtendedLifetime(file) { try body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])) }
  }

  private func entry(named name: String) throws -> SafetensorsHeader.Entry {
    guard let entry = entries[name] else {
      throw InputError(.missing, "There is no tensor \"\(name)\" in \(url.path).")
    }
    return entry
  }

  /// Half-precision bit patterns as a tensor, by a kernel where it can read them.
  private func widened(
    _ entry: SafetensorsHeader.Entry, _ bytes: UnsafeRawBufferPointer,
    _ kernel: (UnsafeMutablePointer<Float>, UnsafePointer<UInt16>, Int) -> Void, _ convert: (UInt16) -> Float
  ) -> Tensor {
    #if _endian(little)
      if let base = bytes.baseAddress, UInt(bitPattern: base).isMultiple(of: 2) {
        let patterns = base.assumingMemoryBound(to: UInt16.self)
        return Tensor(shape: entry.shape) { scalars in
          guard let scalars = scalars.baseAddress else { return }
          Parallel.forEachRange(of: bytes.count / 2, grain: 1 << 20) { range in
            kernel(scalars + range.lowerBound, patterns + range.lowerBound, range.count)
          }
        }
      }
    #endif
    return converted(entry, bytes, from: UInt16.self, convert)
  }

  private func converted<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ entry: SafetensorsHeader.Entry, _ bytes: UnsafeRawBufferPointer, from: Bits.Type,
    _ convert: (Bits) -> Float
  ) -> Tensor {
    Tensor(shape: entry.shape) { scalars in
      for i in 0..<scalars.count {
        let bits = bytes.loadUnaligned(fromByteOffset: i * MemoryLayout<Bits>.size, as: Bits.self)
        scalars[i] = convert(Bits(littleEndian: bits))
      }
    }
  }
}
