/// Half-precision numbers as bit patterns, since not every platform has a type for them.
enum HalfPrecision {
  /// The number with an IEEE binary16 bit pattern; exact.
  static func float(binary16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    // The exponents' biases differ by 112; a product with 2^112 also makes the subnormal numbers normal.
    var magnitude = (Float(bitPattern: UInt32(bits & 0x7fff) << 13) * 0x1p112).bitPattern
    if bits & 0x7c00 == 0x7c00 { magnitude |= 0x7f80_0000 }
    return Float(bitPattern: sign | magnitude)
  }

  /// The number with a bfloat16 bit pattern; exact.
  static func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
