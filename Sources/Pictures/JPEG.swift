internal import CTurboJPEG
public import Foundation

/// The JPEG format, by TurboJPEG.
enum JPEG {
  static func decode(_ bytes: [UInt8], name: String) throws -> RGBImage {
    func damaged(_ reason: String) -> InputError {
      InputError(.malformed, "\(name) is damaged or cut off (JPEG: \(reason)); get a fresh copy of it.")
    }
    guard let decoder = tjInitDecompress() else { throw outOfMemory }
    defer { tjDestroy(decoder) }
    var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
    guard
      tjDecompressHeader3(
        decoder, bytes, UInt(bytes.count), &width, &height, &subsampling, &colours) == 0,
      width > 0, height > 0
    else { throw damaged(message(of: decoder)) }
    guard Int(width) <= RGBImage.pixelLimit / Int(height) else {
      throw RGBImage.oversized(name, width: Int(width), height: Int(height))
    }

    let isCMYK = colours == Int32(TJCS_CMYK.rawValue) || colours == Int32(TJCS_YCCK.rawValue)
    let format = isCMYK ? TJPF_CMYK : TJPF_RGB
    func samples(flags: Int32) -> [UInt8]? {
      var isComplete = false
      let capacity = Int(width) * Int(height) * (isCMYK ? 4 : 3)
      let samples = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
        let result = tjDecompress2(
          decoder, bytes, UInt(bytes.count), target.baseAddress, width, 0, height, Int32(format.rawValue),
          flags | TJFLAG_LIMITSCANS)
        isComplete = result == 0 || (flags == 0 && tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue))
        count = isComplete ? capacity : 0
      }
      return isComplete ? samples : nil
    }
    // Of what the decoder warns about only stray bytes and odd header fields leave the picture whole.
    var found = samples(flags: TJFLAG_STOPONWARNING)
    let reason = message(of: decoder)
    if found == nil, isHarmless(reason), endsScan(bytes) { found = samples(flags: 0) }
    guard let found else { throw damaged(reason) }
    return RGBImage(
      width: Int(width), height: Int(height), samples: isCMYK ? rgb(fromInvertedCMYK: found) : found)
  }

  static func encode(_ image: RGBImage, quality: Int) throws -> Data {
    precondition((1...100).contains(quality), "a JPEG quality of \(quality)")
    guard max(image.width, image.height) <= 65_500 else {
      throw InputError(
        .unsupported,
        "A JPEG has at most 65500 pixels a side, not \(image.width) x \(image.height); write a PNG instead.")
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
    return Data(bytes: bytes, count: Int(count))
  }

  private static func isHarmless(_ warning: String) -> Bool {
    ["extraneous bytes", "Unknown Adobe color transform", "unknown JFIF revision"].contains {
      warning.contains($0)
    }
  }

  /// Whether an end-of-image marker follows the last start of a scan; inside a scan the marker cannot occur.
  private static func endsScan(_ bytes: [UInt8]) -> Bool {
    var i = bytes.count - 2
    while i >= 0 {
      if bytes[i] == 0xFF && bytes[i + 1] == 0xD9 { return true }
      if bytes[i] == 0xFF && bytes[i + 1] == 0xDA { return false }
      i -= 1
    }
    return false
  }

  /// Ink values as Adobe's programs store them, 255 for none, and Pillow's whole-number formula for them.
  private static func rgb(fromInvertedCMYK inks: [UInt8]) -> [UInt8] {
    var rgb: [UInt8] = []
    rgb.reserveCapacity(inks.count / 4 * 3)
    for i in stride(from: 0, to: inks.count, by: 4) {
      let white = Int(inks[i + 3])
      for c in 0..<3 {
        let product = (255 - Int(inks[i + c])) * white + 128
        let ink = (product + (product >> 8)) >> 8
        rgb.append(UInt8(max(0, white - ink)))
      }
    }
    return rgb
  }

  private static func message(of handle: tjhandle) -> String {
    tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
  }

  private static var outOfMemory: InputError {
    InputError(.unsupported, "There is not enough memory to read or write a JPEG.")
  }
}

extension RGBImage {
  /// A JPEG file of the picture, colours at full resolution (4:4:4).
  ///
  /// - Parameter quality: 1 to 100; 95 is hardly told from the original.
  /// - Throws: ``InputError`` `unsupported` if a side is longer than 65,500 pixels.
  public func jpegData(quality: Int = 95) throws -> Data { try JPEG.encode(self, quality: quality) }
}
