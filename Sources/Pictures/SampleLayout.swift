/// What the samples of a file stand for.
package enum ColorModel: String, Sendable, Codable {
  case grey = "grey"
  case rgb = "RGB"
  case cmyk = "CMYK"

  var channels: Int {
    switch self {
    case .grey: 1
    case .rgb: 3
    case .cmyk: 4
    }
  }
}

/// How a decoder gives the samples of a pixel: colour, then alpha if there is one, without gaps.
///
/// Alpha is not premultiplied. Inks (CMYK) have eight bits, no alpha, and are stored as Adobe's programs do: 255 is no ink.
struct SampleLayout: Equatable {
  var model = ColorModel.rgb
  var hasAlpha = false
  /// 1, or 2 in the processor's byte order.
  var bytesPerSample = 1

  var samplesPerPixel: Int { model.channels + (hasAlpha ? 1 : 0) }
  var bytesPerPixel: Int { samplesPerPixel * bytesPerSample }

  /// What an `RGBImage` has.
  static let rgb8 = SampleLayout()
}
