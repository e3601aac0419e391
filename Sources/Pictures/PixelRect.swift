/// A rectangle of whole pixels; `x` and `y` are the position of its upper left corner.
public struct PixelRect: Sendable, Hashable, Codable {
  /// The first column.
  public var x: Int
  /// The first row, counted from the top.
  public var y: Int
  /// The number of columns.
  public var width: Int
  /// The number of rows.
  public var height: Int

  /// Creates a rectangle from its upper left corner and size.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// Returns whether the rectangle contains at least one pixel and lies inside a picture of `width` × `height`.
  public func fits(width: Int, height: Int) -> Bool {
    func fits(_ start: Int, _ length: Int, _ limit: Int) -> Bool {
      start >= 0 && length > 0 && length <= limit && start <= limit - length
    }
    return fits(x, self.width, width) && fits(y, self.height, height)
  }

  /// Returns the largest centered part with aspect ratio `width` : `height`.
  ///
  /// Only the side that is too long is cropped, to the nearest whole number of pixels. If the remainder is odd, the
  /// smaller half is cropped at the left or top.
  package func centralPart(ofAspect width: Int, _ height: Int) -> PixelRect {
    precondition(width > 0 && height > 0, "the aspect ratio \(width) : \(height)")
    var part = self
    if self.width * height > self.height * width {
      part.width = max(1, (2 * self.height * width + height) / (2 * height))
      part.x += (self.width - part.width) / 2
    } else if self.width * height < self.height * width {
      part.height = max(1, (2 * self.width * height + width) / (2 * width))
      part.y += (self.height - part.height) / 2
    }
    return part
  }
}

extension PixelRect {
  /// Returns the largest centered rectangle with the aspect ratio of `part` in a picture of `width` × `height`.
  ///
  /// Its shorter side is rounded to the nearest whole number of pixels. If the remainder is odd, the smaller half is at
  /// the left or top.
  package static func fitting(_ part: PixelRect, inWidth width: Int, height: Int) -> PixelRect {
    precondition(
      part.width > 0 && part.height > 0 && width > 0 && height > 0, "\(part) in \(width)x\(height)")
    var area = PixelRect(x: 0, y: 0, width: width, height: height)
    if part.width * height > part.height * width {
      area.height = max(1, (2 * part.height * width + part.width) / (2 * part.width))
    } else {
      area.width = max(1, (2 * part.width * height + part.height) / (2 * part.height))
    }
    area.x = (width - area.width) / 2
    area.y = (height - area.height) / 2
    return area
  }
}

extension PixelRect: LosslessStringConvertible {
  /// The four numbers as `x,y,width,height`.
  public var description: String { "\(x),\(y),\(width),\(height)" }

  /// Creates a rectangle from its description; nil if it is not four integers separated by commas.
  public init?(_ description: String) {
    let parts = description.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard parts.count == 4, numbers.count == 4 else { return nil }
    self.init(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
  }
}
