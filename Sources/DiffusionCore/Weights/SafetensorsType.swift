/// A scalar type of the safetensors format with a whole number of bytes.
enum SafetensorsType: String {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float8e4m3 = "F8_E4M3"
  case float8e5m2 = "F8_E5M2"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// The size of one scalar, in bytes.
  var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float8e4m3, .float8e5m2, .int8, .uint8, .bool: 1
    }
  }

  /// The smallest bit pattern, without sign, that is not finite in single precision; nil for types other than
  /// floating-point numbers of 16 bits or more.
  var firstPatternNotFinite: UInt64? {
    switch self {
    case .float16: 0x7c00
    case .bfloat16: 0x7f80
    case .float32: UInt64(Float.infinity.bitPattern)
    // Halfway between the largest finite single-precision number and 2^128.
    case .float64: (0x1.ffffffp127 as Double).bitPattern
    default: nil
    }
  }
}
