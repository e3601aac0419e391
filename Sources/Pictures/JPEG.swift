internal import CTurboJPEG
public import Foundation

/// The JPEG format, implemented by TurboJPEG.
enum JPEG {
  static func decode(_ bytes: [UInt8], name: String) throws -> DecodedPicture {
    func damaged(_ reason: String) -> InputError {
      InputError(.malformed, "\(name) is damaged or truncated (JPEG: \(reason)). Get a new copy of it.")
    }
    guard let decoder = tjInitDecompress() else { throw outOfMemory }
    defer { tjDestroy(decoder) }
    var (width, height, subsampling, colors) = (Int32(0), Int32(0), Int32(0), Int32(0))
    guard
      tjDecompressHeader3(
        decoder, bytes, UInt(bytes.count), &width, &height, &subsampling, &colors) == 0,
      width > 0, height > 0
    else { throw damaged(message(of: decoder)) }
    guard Int(width) <= RGBImage.pixelLimit / Int(height) else {
      throw RGBImage.oversized(name, width: Int(width), height: Int(height))
    }

    let rows = RowConversion(
      SampleLayout(model: model(colors)), width: Int(width), profile: JPEGSegments.profile(in: bytes))
    let format =
      switch rows.layout.model {
      case .gray: TJPF_GRAY
      case .rgb: TJPF_RGB
      case .cmyk: TJPF_CMYK
      }
    let image = try RGBImage(width: Int(width), height: Int(height), rows: rows) { target in
      func decode(flags: Int32) -> Bool {
        let result = tjDecompress2(
          decoder, bytes, UInt(bytes.count), target, width, 0, height, Int32(format.rawValue),
          flags | TJFLAG_LIMITSCANS)
        return result == 0 || (flags == 0 && tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue))
      }
      guard !decode(flags: TJFLAG_STOPONWARNING) else { return }
      // The only warnings that leave the picture intact are those about stray bytes and unusual header fields.
      let reason = message(of: decoder)
      guard isHarmless(reason), endsScan(bytes), decode(flags: 0) else { throw damaged(reason) }
    }
    return DecodedPicture(image, .jpeg, rows, bits: 8, exif: JPEGSegments.exif(in: bytes))
  }

  private static func model(_ colors: Int32) -> ColorModel {
    switch UInt32(bitPattern: colors) {
    case TJCS_GRAY.rawValue: .gray
    case TJCS_CMYK.rawValue, TJCS_YCCK.rawValue: .cmyk
    default: .rgb
    }
  }

  static func encode(_ image: RGBImage, quality: Int, texts: [(key: String, text: String)]) throws -> Data {
    precondition((1...100).contains(quality), "a JPEG quality of \(quality)")
    guard max(image.width, image.height) <= 65_500 else {
      throw InputError(
        .unsupported,
        "A JPEG has at most 65500 pixels per side, not \(image.width) x \(image.height). Write a PNG instead."
      )
    }
    guard let encoder = tjInitCompress() else { throw outOfMemory }
    defer { tjDestroy(encoder) }
    var bytes: UnsafeMutablePointer<UInt8>?
    var count: UInt = 0
    defer { tjFree(bytes) }
    let result = tjCompress2(
      encoder, image.bytes, Int32(image.width), 0, Int32(image.height), Int32(TJPF_RGB.rawValue), &bytes,
      &count, Int32(TJSAMP_444.rawValue), Int32(quality), 0)
    guard result == 0, let bytes else { throw outOfMemory }
    var file = Data(bytes: bytes, count: Int(count))
    file.insert(contentsOf: texts.flatMap(comments), at: JPEGSegments.headerLength(of: file) ?? 2)
    return file
  }

  /// Returns the comment segments of a text: each contains the key, a zero byte, and as much of the text as fits.
  private static func comments(key: String, text: String) -> [UInt8] {
    let head = Array(key.utf8) + [0]
    let text = Array(text.utf8)
    let room = JPEGSegments.capacity - head.count
    return stride(from: 0, to: max(text.count, 1), by: room).flatMap { start in
      let body = head + text[start..<min(start + room, text.count)]
      return [0xFF, JPEGSegments.comment, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 0xFF)] + body
    }
  }

  static func texts(in bytes: [UInt8]) -> [String: String] {
    var texts: [String: [UInt8]] = [:]
    for (marker, body) in JPEGSegments(bytes) where marker == JPEGSegments.comment {
      let key = body.prefix(80).prefix { $0 != 0 }
      guard key.endIndex < body.endIndex, body[key.endIndex] == 0, RGBImage.isKey(key) else { continue }
      texts[String(decoding: key, as: UTF8.self), default: []] += body[(key.endIndex + 1)...]
    }
    return texts.mapValues { String(decoding: $0, as: UTF8.self) }
  }

  private static func isHarmless(_ warning: String) -> Bool {
    ["extraneous bytes", "Unknown Adobe color transform", "unknown JFIF revision"].contains {
      warning.contains($0)
    }
  }

  /// Returns whether an end-of-image marker follows the last start of a scan; the marker cannot occur inside a scan.
  private static func endsScan(_ bytes: [UInt8]) -> Bool {
    var i = bytes.count - 2
    while i >= 0 {
      if bytes[i] == 0xFF && bytes[i + 1] == 0xD9 { return true }
      if bytes[i] == 0xFF && bytes[i + 1] == 0xDA { return false }
      i -= 1
    }
    return false
  }

  private static func message(of handle: tjhandle) -> String {
    tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
  }

  private static var outOfMemory: InputError {
    InputError(.unsupported, "There is not enough memory to read or write a JPEG.")
  }
}

extension RGBImage {
  /// Returns the picture as a JPEG file with full color resolution (4:4:4).
  ///
  /// - Parameters:
  ///   - quality: 1 to 100; at 95 the result is almost indistinguishable from the original.
  ///   - text: Texts to store as comments, by key; limits as for ``pngData(text:)``.
  /// - Throws: `InputError` `unsupported` if a side is longer than 65,500 pixels, `outOfRange` for an invalid key or
  ///   text.
  public func jpegData(quality: Int = 95, text: [String: String] = [:]) throws -> Data {
    try JPEG.encode(self, quality: quality, texts: Self.sorted(text))
  }
}
