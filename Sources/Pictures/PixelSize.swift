/// Width and height in pixels.
public struct PixelSize: Sendable, Equatable, Codable, CustomStringConvertible {
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
}
