/// A width and height in pixels.
public struct PixelSize: Sendable, Hashable, Codable, LosslessStringConvertible {
  /// The number of columns.
  public var width: Int
  /// The number of rows.
  public var height: Int

  /// Creates a size.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// The size as in "640x480".
  public var description: String { "\(width)x\(height)" }

  /// Creates a size from its description; nil if it is not two positive integers separated by an x.
  public init?(_ description: String) {
    let sides = description.lowercased().split(separator: "x", omittingEmptySubsequences: false).map {
      Int($0)
    }
    guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0 else {
      return nil
    }
    self.init(width: width, height: height)
  }
}
