/// The transformation that turns a picture upright (EXIF 2.3, tag 0x0112).
package enum ExifOrientation: Int, Sendable, Codable, CaseIterable {
  case upright = 1
  case mirrored = 2
  case turnedHalf = 3
  case flipped = 4
  /// Rows and columns are exchanged (mirrored across the main diagonal).
  case transposed = 5
  case turnedClockwise = 6
  /// Mirrored across the other diagonal.
  case transversed = 7
  case turnedCounterclockwise = 8

  /// Reads the orientation from EXIF data; upright if they are damaged or contain none.
  ///
  /// - Parameter exif: A TIFF header and its directories, optionally preceded by `Exif\0\0`.
  init(exif: some RandomAccessCollection<UInt8>) {
    self = Self.value(in: exif).flatMap(Self.init(rawValue:)) ?? .upright
  }

  private static func value(in exif: some RandomAccessCollection<UInt8>) -> Int? {
    let mark = "Exif\0\0".utf8
    let tiff = exif.starts(with: mark) ? exif.dropFirst(mark.count) : exif[...]
    let isBigEndian: Bool
    if tiff.starts(with: "II*\0".utf8) {
      isBigEndian = false
    } else if tiff.starts(with: "MM\0*".utf8) {
      isBigEndian = true
    } else {
      return nil
    }
    func number(_ length: Int, at offset: Int) -> Int? {
      guard offset <= tiff.count - length else { return nil }
      let bytes = tiff.dropFirst(offset).prefix(length)
      return isBigEndian
        ? bytes.reduce(0) { $0 << 8 | Int($1) } : bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    guard let directory = number(4, at: 4), let count = number(2, at: directory) else { return nil }
    var found: Int?
    for entry in 0..<count {
      let place = directory + 2 + 12 * entry
      guard let value = number(2, at: place + 8), let tag = number(2, at: place),
        let type = number(2, at: place + 2),
        let length = number(4, at: place + 4), number(4, at: place + 8) != nil
      else { break }
      // One or two short numbers or one long number, which fit in the entry itself.
      if tag == 0x0112, type == 3 && (1...2).contains(length) || type == 4 && length == 1 {
        found = type == 3 ? value : number(4, at: place + 8)
      }
    }
    return found
  }

  /// Whether rows become columns.
  var exchangesSides: Bool { rawValue >= 5 }
}

extension RGBImage {
  /// Returns the picture turned upright.
  func upright(_ orientation: ExifOrientation) -> RGBImage {
    guard orientation != .upright else { return self }
    let (w, h) = (width, height)
    // The first pixel, and the steps to the next column and row of the result, in pixels of this picture.
    let (first, column, row) =
      switch orientation {
      case .upright: (0, 1, w)
      case .mirrored: (w - 1, -1, w)
      case .turnedHalf: (w * h - 1, -1, -w)
      case .flipped: (w * (h - 1), 1, -w)
      case .transposed: (0, w, 1)
      case .turnedClockwise: (w * (h - 1), -w, 1)
      case .transversed: (w * h - 1, -w, -1)
      case .turnedCounterclockwise: (w - 1, w, -1)
      }
    let (width, height) = orientation.exchangesSides ? (h, w) : (w, h)
    let samples = bytes.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: source.count) { target, count in
        var next = 0
        for y in 0..<height {
          var from = 3 * (first + y * row)
          for _ in 0..<width {
            target[next] = source[from]
            target[next + 1] = source[from + 1]
            target[next + 2] = source[from + 2]
            next += 3
            from += 3 * column
          }
        }
        count = next
      }
    }
    return RGBImage(width: width, height: height, samples: samples)
  }
}
