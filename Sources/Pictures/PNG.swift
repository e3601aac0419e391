internal import CPictures
public import Foundation

/// The PNG format, implemented by libpng.
enum PNG {
  static func decode(_ bytes: [UInt8], name: String) throws -> DecodedPicture {
    // Checks the signature, the length and name of the first chunk, and the size; libpng checks the rest.
    guard bytes.count >= 24, bytes[12..<16].elementsEqual("IHDR".utf8) else {
      throw damaged(name, "the header is missing")
    }
    func number(at offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
    let (width, height) = (number(at: 16), number(at: 20))
    guard width > 0, height > 0 else { throw damaged(name, "its size is \(width) x \(height) pixels") }
    guard width <= RGBImage.pixelLimit / height else {
      throw RGBImage.oversized(name, width: width, height: height)
    }
    return try withMessage { message in
      func check(_ result: Int32) throws {
        guard result == 1 else { throw damaged(name, text(of: message)) }
      }
      var header = cpictures_png_header()
      guard
        let reader = cpictures_png_open(
          bytes, bytes.count, ColorConversion.profileLimit, &header, message.baseAddress)
      else { throw damaged(name, text(of: message)) }
      defer { cpictures_png_close(reader) }
      guard header.width == width, header.height == height else { throw damaged(name, "the header changed") }

      let rows = RowConversion(SampleLayout(header), width: width, profile: EmbeddedProfile(header))
      let image = try picture(width: width, height: height, passes: Int(header.passes), rows) { row in
        try check(cpictures_png_row(reader, row))
      }
      var exif: UnsafePointer<UInt8>?
      var exifCount = 0
      try check(cpictures_png_end(reader, &exif, &exifCount))
      return DecodedPicture(
        image, .png, rows, bits: Int(header.depth),
        exif: Array(UnsafeBufferPointer(start: exif, count: exifCount))[...])
    }
  }

  /// Returns the picture of rows that are read one after another, all of them in each pass.
  private static func picture(
    width: Int, height: Int, passes: Int, _ rows: RowConversion,
    readRow: (UnsafeMutableRawPointer) throws -> Void
  ) throws -> RGBImage {
    let stride = width * rows.layout.bytesPerPixel
    // Each pass updates the rows of the previous pass, so all rows must be kept.
    let kept = UnsafeMutableRawBufferPointer.allocate(
      byteCount: rows.isCopy ? 0 : stride * (passes == 1 ? 1 : height), alignment: 16)
    defer { kept.deallocate() }
    let samples = try [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
      guard let rgb = target.baseAddress,
        let start = rows.isCopy ? UnsafeMutableRawPointer(rgb) : kept.baseAddress
      else { return }
      for pass in 0..<passes {
        for y in 0..<height {
          let row = rows.isCopy || passes > 1 ? start + y * stride : start
          try readRow(row)
          if !rows.isCopy, pass == passes - 1 { rows(row, to: rgb + y * 3 * width) }
        }
      }
      count = 3 * width * height
    }
    return RGBImage(width: width, height: height, samples: samples)
  }

  static func encode(_ image: RGBImage, texts: [(key: String, text: String)]) throws -> Data {
    var list: [CChar] = []
    for (key, text) in texts {
      list += key.utf8CString
      list += text.utf8CString
    }
    return try withMessage { message in
      var bytes: UnsafeMutablePointer<UInt8>?
      var count = 0
      let result = cpictures_png_write(
        image.bytes, UInt32(image.width), UInt32(image.height), list, texts.count, &bytes, &count,
        message.baseAddress)
      guard result == 1, let bytes else {
        throw InputError(
          .unsupported,
          "A PNG of \(image.width) x \(image.height) pixels cannot be written: \(text(of: message)).")
      }
      return Data(bytesNoCopy: bytes, count: count, deallocator: .free)
    }
  }

  static func texts(in bytes: [UInt8]) -> [String: String] {
    final class Found { var texts: [String: String] = [:] }
    let found = Found()
    withMessage { message in
      _ = cpictures_png_texts(
        bytes, bytes.count,
        { context, key, text, length, isUTF8 in
          guard let context, let key, let text else { return }
          func string(_ start: UnsafePointer<CChar>, _ length: Int, isUTF8: Bool) -> String {
            let bytes = UnsafeRawBufferPointer(start: start, count: length)
            return isUTF8
              ? String(decoding: bytes, as: UTF8.self)
              : String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
          }
          let found = Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
          found.texts[string(key, strlen(key), isUTF8: false)] = string(text, length, isUTF8: isUTF8 == 1)
        }, Unmanaged.passUnretained(found).toOpaque(), message.baseAddress)
    }
    return found.texts
  }

  private static func damaged(_ name: String, _ reason: String) -> InputError {
    InputError(.malformed, "\(name) is damaged or truncated (PNG: \(reason)). Get a new copy of it.")
  }

  private static func withMessage<R>(
    _ body: (UnsafeMutableBufferPointer<CChar>) throws -> R
  ) rethrows -> R {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CPICTURES_MESSAGE_LENGTH)) { message in
      message.initialize(repeating: 0)
      return try body(message)
    }
  }

  private static func text(of message: UnsafeMutableBufferPointer<CChar>) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension SampleLayout {
  fileprivate init(_ header: cpictures_png_header) {
    model = header.channels < 3 ? .gray : .rgb
    hasAlpha = header.channels % 2 == 0
    bytesPerSample = Int(header.bytes_per_sample)
  }
}

extension EmbeddedProfile {
  fileprivate init(_ header: cpictures_png_header) {
    if let start = header.profile {
      self = .bytes(Array(UnsafeBufferPointer(start: start, count: header.profile_count)))
    } else {
      self = header.has_damaged_profile == 0 ? .none : .damaged
    }
  }
}

extension RGBImage {
  /// Returns the picture as a PNG file, 8-bit sRGB.
  ///
  /// The same picture and text always result in the same bytes.
  ///
  /// - Parameter text: Texts to store as iTXt chunks, by key, such as the recipe of an edit. A key consists of 1 to 79
  ///   printable ASCII characters without leading, trailing or double spaces; a text must not contain a null character.
  /// - Throws: `InputError` `outOfRange` for an invalid key or text, `unsupported` if a side is longer than 1,000,000
  ///   pixels.
  public func pngData(text: [String: String] = [:]) throws -> Data {
    try PNG.encode(self, texts: Self.sorted(text))
  }

  static func oversized(_ name: String, width: Int, height: Int) -> InputError {
    InputError(
      .unsupported,
      "\(name) has \(width) x \(height) pixels according to its header; the limit is \(pixelLimit / 1_000_000) million. "
        + "Scale it down first.")
  }
}
