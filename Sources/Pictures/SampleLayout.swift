/// The color model of a file's samples.
package enum ColorModel: String, Sendable, Codable {
  case gray = "gray"
  case rgb = "RGB"
  case cmyk = "CMYK"

  var channels: Int {
    switch self {
    case .gray: 1
    case .rgb: 3
    case .cmyk: 4
    }
  }
}

/// The layout of a decoded pixel: color samples, then alpha if present, without padding.
///
/// Alpha is not premultiplied. CMYK samples have 8 bits, no alpha, and Adobe's inverted values: 255 is no ink.
struct SampleLayout: Equatable {
  var model = ColorModel.rgb
  var hasAlpha = false
  /// 1, or 2 in native byte order.
  var bytesPerSample = 1

  var samplesPerPixel: Int { model.channels + (hasAlpha ? 1 : 0) }
  var bytesPerPixel: Int { samplesPerPixel * bytesPerSample }

  /// The layout of an `RGBImage`.
  static let rgb8 = SampleLayout()
}
