internal import CPictures
public import Foundation

/// The PNG format, by libpng.
enum PNG {
  static func decode(_ bytes: [UInt8], name: String) throws -> RGBImage {
    // The signature, the length and the name of the first chunk, and the size; the rest is libpng's to check.
    guard bytes.count >= 24, bytes[12..<16].elementsEqual("IHDR".utf8) else {
      throw damaged(name, "the header is not there")
    }
    func number(at offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
    let (width, height) = (number(at: 16), number(at: 20))
    guard width > 0, height > 0 else { throw damaged(name, "its size is \(width) x \(height) pixels") }
    guard width <= RGBImage.pixelLimit / height else {
      throw RGBImage.oversized(name, width: width, height: height)
    }
    return try withMessage { message in
      var isComplete = false
      let pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
        let result = cpictures_png_read(
          bytes, bytes.count, UInt32(width), UInt32(height), target.baseAddress, message.baseAddress)
        isComplete = result == 1
        count = isComplete ? 3 * width * height : 0
      }
      guard isComplete else { throw damaged(name, text(of: message)) }
      return RGBImage(width: width, height: height, samples: pixels)
    }
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
          "A PNG of \(image.width) x \(image.height) pixels cannot be made: \(text(of: message)).")
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
    InputError(.malformed, "\(name) is damaged or cut off (PNG: \(reason)); get a fresh copy of it.")
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

extension RGBImage {
  /// A PNG file of the picture, 8-bit sRGB.
  ///
  /// The same picture and text always give the same bytes.
  ///
  /// - Parameter text: notes that travel with the file, such as the recipe of an edit, as iTXt chunks. A key is 1 to
  ///   79 printable ASCII characters without outer or double spaces; a text must not hold a null character.
  /// - Throws: ``InputError`` `outOfRange` for such a text, `unsupported` if a side is longer than 1,000,000 pixels.
  public func pngData(text: [String: String] = [:]) throws -> Data {
    for (key, value) in text {
      guard (1...79).contains(key.utf8.count), key.utf8.allSatisfy({ (32...126).contains($0) }),
        !key.hasPrefix(" "), !key.hasSuffix(" "), !key.contains("  ")
      else {
        throw InputError(
          .outOfRange,
          "\"\(key)\" cannot name a text in a PNG; use 1 to 79 printable ASCII characters.")
      }
      guard !value.utf8.contains(0) else {
        throw InputError(
          .outOfRange, "The text \"\(key)\" holds a null character, which a PNG cannot carry.")
      }
    }
    return try PNG.encode(self, texts: text.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  /// The texts in the bytes of a PNG file by their keys.
  ///
  /// Compressed and Latin-1 texts are read too. What is no PNG has none; of a damaged one, those before the damage
  /// are found.
  public static func pngText(in data: Data) -> [String: String] {
    let bytes = [UInt8](data)
    return PictureFormat(of: bytes) == .png ? PNG.texts(in: bytes) : [:]
  }

  static func oversized(_ name: String, width: Int, height: Int) -> InputError {
    InputError(
      .unsupported,
      "\(name) is declared to be \(width) x \(height) pixels; at most \(pixelLimit / 1_000_000) million are read. "
        + "Scale it down first.")
  }
}
