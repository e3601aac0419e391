/// Width and height in pixels.
public struct PixelSize: Sendable, Hashable, Codable, LosslessStringConvertible {
  /// Columns.
  public var width: Int
  /// Rows.
  public var height: Int

  /// A size.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// As in "640x480".
  public var description: String { "\(width)x\(height)" }

  /// A size from its description; nil if that is not two numbers above zero with an x between.
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
