internal import CTensorKernels
public import Foundation
public import Tensor

/// A safetensors file, open for reading.
///
/// Opening checks the header. Reading a tensor copies its bytes from the file and throws an `InputError` if the file
/// was truncated or changed in the meantime.
///
/// ```swift
/// let file = try SafetensorsFile(contentsOf: url)
/// let weight = try file.tensor(named: "conv_in.weight")
/// ```
public struct SafetensorsFile: Sendable {
  /// The URL of the file.
  public var url: URL { file.url }

  /// The metadata strings of the file.
  public let metadata: [String: String]

  /// The names of the tensors, sorted.
  public let names: [String]

  let entries: [String: SafetensorsHeader.Entry]
  let file: InputFile
  private var requiresFinite = false

  /// Opens a file and checks its header.
  ///
  /// - Throws: `InputError` if the file is missing or not a regular file, or if its header is invalid: damaged,
  ///   truncated, or with bytes that belong to no tensor or to two.
  public init(contentsOf url: URL) throws { try self.init(InputFile(url)) }

  /// Creates the file from one that is already open, and checks its header.
  init(_ file: InputFile) throws {
    self.file = file
    let header = try SafetensorsHeader(of: file)
    entries = header.entries
    metadata = header.metadata
    names = entries.keys.sorted()
  }

  /// The same file, but reading a tensor throws if a scalar is NaN, or infinite in single precision.
  package var requiringFinite: SafetensorsFile {
    var file = self
    file.requiresFinite = true
    return file
  }

  /// Returns whether a tensor with this name exists.
  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// Returns the shape of a tensor, or nil if there is none with this name.
  public func shape(of name: String) -> [Int]? { entries[name]?.shape }

  /// Returns the scalar type of a tensor as the format writes it, such as `F16`, or nil if there is none with this
  /// name.
  public func scalarType(of name: String) -> String? { entries[name]?.type }

  /// Returns a tensor in single precision.
  ///
  /// - Throws: `InputError(.missing)` if there is no such tensor; `InputError(.unsupported)` unless its scalars are
  ///   `F32`, `F16`, `BF16` or `F64`; `InputError(.malformed)` if the file changed since it was opened.
  public func tensor(named name: String) throws -> Tensor { try tensor(entry(named: name)) }

  /// Returns a tensor, or a range of its rows, in single precision.
  func tensor(_ entry: SafetensorsHeader.Entry) throws -> Tensor {
    switch SafetensorsType(rawValue: entry.type) {
    case .float32: return try single(entry)
    case .float16: return try converted(entry, from: UInt16.self) { ctk_widen_f16($0, $1, $2) }
    case .bfloat16: return try converted(entry, from: UInt16.self) { ctk_widen_bf16($0, $1, $2) }
    case .float64:
      return try converted(entry, from: UInt64.self) { single, double, count in
        for i in 0..<count { single[i] = Float(Double(bitPattern: double[i])) }
      }
    default:
      throw InputError(
        .unsupported,
        "Tensor \"\(entry.name)\" of \(url.path) contains \(entry.type), not floating-point numbers of "
          + "16, 32 or 64 bits. Convert the checkpoint to one of these.")
    }
  }

  /// Returns a tensor as a layer's weight, which is read while the layer packs it.
  ///
  /// - Parameters:
  ///   - entry: The tensor.
  ///   - savesMemory: Whether to prefer low memory use over speed.
  /// - Throws: The errors of `tensor(named:)`.
  func weight(_ entry: SafetensorsHeader.Entry, savesMemory: Bool) throws -> WeightSource {
    let format: ScalarFormat
    switch SafetensorsType(rawValue: entry.type) {
    case .float32: format = .float32
    case .float16: format = .float16
    case .bfloat16: format = .bfloat16
    default: return WeightSource(try tensor(entry))
    }
    let rowLength = entry.shape.dropFirst().reduce(1, *)
    return WeightSource(shape: entry.shape, format: format, savesMemory: savesMemory) { rows, body in
      let scalars = rows.lowerBound * rowLength..<rows.upperBound * rowLength
      switch format {
      case .float32: try withPatterns(scalars, of: entry, as: UInt32.self) { try body($0) }
      case .float16, .bfloat16: try withPatterns(scalars, of: entry, as: UInt16.self) { try body($0) }
      }
    }
  }

  /// Returns the numbers of an integer tensor in row-major order.
  ///
  /// - Throws: `InputError(.missing)` if there is no such tensor; `InputError(.unsupported)` unless its scalars are
  ///   `I64` or `I32`; `InputError(.malformed)` if the file changed since it was opened.
  public func integers(named name: String) throws -> [Int] {
    let entry = try entry(named: name)
    switch SafetensorsType(rawValue: entry.type) {
    case .int64: return try integers(of: entry, as: Int64.self)
    case .int32: return try integers(of: entry, as: Int32.self)
    default:
      throw InputError(
        .unsupported,
        "Tensor \"\(name)\" of \(url.path) contains \(entry.type), not integers of 32 or 64 bits.")
    }
  }

  private func integers<Bits: FixedWidthInteger & BitwiseCopyable>(
    of entry: SafetensorsHeader.Entry, as: Bits.Type
  ) throws -> [Int] {
    let count = entry.range.count / MemoryLayout<Bits>.size
    return try withPatterns(0..<count, of: entry, as: Bits.self) { patterns in
      UnsafeBufferPointer(start: patterns, count: count).map { Int($0) }
    }
  }

  private func entry(named name: String) throws -> SafetensorsHeader.Entry {
    guard let entry = entries[name] else {
      throw InputError(.missing, "There is no tensor \"\(name)\" in \(url.path).")
    }
    return entry
  }
}

extension SafetensorsFile {
  /// The number of scalars read at a time, small enough to stay in the cache until they are converted.
  private static let grain = 1 << 16

  /// Reads a single-precision tensor directly into its final memory.
  private func single(_ entry: SafetensorsHeader.Entry) throws -> Tensor {
    try Tensor(shape: entry.shape) { scalars in
      guard let base = scalars.baseAddress else { return }
      try UnsafeMutableRawPointer(base).withMemoryRebound(to: UInt32.self, capacity: scalars.count) { base in
        try Parallel.forEachRange(of: scalars.count, grain: Self.grain) { range in
          try read(range, of: entry, into: base + range.lowerBound)
        }
      }
    }
  }

  /// Reads a tensor in pieces, and converts bit patterns with `convert`.
  private func converted<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ entry: SafetensorsHeader.Entry, from: Bits.Type,
    _ convert: (UnsafeMutablePointer<Float>, UnsafePointer<Bits>, Int) -> Void
  ) throws -> Tensor {
    try Tensor(shape: entry.shape) { scalars in
      guard let base = scalars.baseAddress else { return }
      try Parallel.forEachRange(of: scalars.count, grain: Self.grain) { range in
        try withPatterns(range, of: entry, as: Bits.self) {
          convert(base + range.lowerBound, $0, range.count)
        }
      }
    }
  }

  /// Calls `body` with the bit patterns of a range of scalars.
  private func withPatterns<Bits: FixedWidthInteger & BitwiseCopyable, R>(
    _ range: Range<Int>, of entry: SafetensorsHeader.Entry, as: Bits.Type,
    _ body: (UnsafePointer<Bits>) throws -> R
  ) throws -> R {
    let words = (range.count * MemoryLayout<Bits>.size + 3) / 4
    return try withScratch(words) { scratch in
      try UnsafeMutableRawPointer(scratch).withMemoryRebound(to: Bits.self, capacity: range.count) {
        patterns in
        try read(range, of: entry, into: patterns)
        return try body(patterns)
      }
    }
  }

  /// Reads the bit patterns of a range of scalars, in this machine's byte order.
  private func read<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ range: Range<Int>, of entry: SafetensorsHeader.Entry, into target: UnsafeMutablePointer<Bits>
  ) throws {
    let size = MemoryLayout<Bits>.size
    try file.read(
      at: entry.range.lowerBound + range.lowerBound * size,
      into: UnsafeMutableRawBufferPointer(start: target, count: range.count * size))
    #if _endian(big)
      for i in 0..<range.count { target[i] = Bits(littleEndian: target[i]) }
    #endif
    if requiresFinite {
      try checkFinite(UnsafeBufferPointer(start: target, count: range.count), range, of: entry)
    }
  }

  private func checkFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ patterns: UnsafeBufferPointer<Bits>, _ range: Range<Int>, of entry: SafetensorsHeader.Entry
  ) throws {
    guard let limit = SafetensorsType(rawValue: entry.type)?.firstPatternNotFinite,
      patterns.largestMagnitude >= limit
    else { return }
    let index = patterns.firstIndex { UInt64($0 & (Bits.max >> 1)) >= limit } ?? 0
    throw InputError(
      .malformed,
      "Tensor \"\(entry.name)\" of \(url.path) contains NaN or infinity at index "
        + "\(range.lowerBound + index). The file is damaged, or its training diverged. Download it "
        + "again, or use another file.")
  }
}

extension UnsafeBufferPointer where Element: FixedWidthInteger & BitwiseCopyable {
  /// The largest bit pattern, without the sign bit.
  fileprivate var largestMagnitude: UInt64 {
    guard let baseAddress else { return 0 }
    let raw = UnsafeRawPointer(baseAddress)
    switch Element.bitWidth {
    case 16: return UInt64(ctk_largest_magnitude_16(raw.assumingMemoryBound(to: UInt16.self), count))
    case 32: return UInt64(ctk_largest_magnitude_32(raw.assumingMemoryBound(to: UInt32.self), count))
    default: return reduce(0) { Swift.max($0, UInt64(truncatingIfNeeded: $1) & (.max >> 1)) }
    }
  }
}
