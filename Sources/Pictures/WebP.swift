internal import CWebP
internal import Foundation

/// The WebP format, implemented by libwebp.
enum WebP {
  static func decode(_ bytes: [UInt8], name: String) throws -> DecodedPicture {
    func damaged(_ reason: String) -> InputError {
      InputError(.malformed, "\(name) is damaged or truncated (WebP: \(reason)). Get a new copy of it.")
    }
    var features = WebPBitstreamFeatures()
    guard WebPGetFeatures(bytes, bytes.count, &features) == VP8_STATUS_OK, features.width > 0,
      features.height > 0
    else { throw damaged("the header is missing") }
    let (width, height) = (Int(features.width), Int(features.height))
    guard width <= RGBImage.pixelLimit / height else {
      throw RGBImage.oversized(name, width: width, height: height)
    }
    guard features.has_animation == 0 else {
      throw InputError(
        .unsupported,
        "\(name) is an animated WebP. Extract one frame, for example with `webpmux -get frame 1 photo.webp -o frame.webp`."
      )
    }

    let rows = RowConversion(
      SampleLayout(hasAlpha: features.has_alpha != 0), width: width,
      profile: chunk("ICCP", in: bytes).map {
        $0.count <= ColorConversion.profileLimit ? .bytes(Array($0)) : .damaged
      } ?? .none)
    let stride = width * rows.layout.bytesPerPixel
    let image = try RGBImage(width: width, height: height, rows: rows) { target in
      let decode = rows.layout.hasAlpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto
      guard decode(bytes, bytes.count, target, stride * height, Int32(stride)) != nil else {
        throw damaged("the pixel data are truncated or invalid")
      }
    }
    return DecodedPicture(image, .webP, rows, bits: 8, exif: chunk("EXIF", in: bytes) ?? [])
  }

  /// Returns the first complete chunk of a name (RIFF: name, length, bytes padded to an even number).
  private static func chunk(_ name: String, in bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var place = 12
    while place <= bytes.count - 8 {
      let length = bytes[place + 4..<place + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - 8 - place else { return nil }
      let body = bytes[place + 8..<place + 8 + length]
      if bytes[place..<place + 4].elementsEqual(name.utf8) { return body }
      place += 8 + length + length % 2
    }
    return nil
  }
}
