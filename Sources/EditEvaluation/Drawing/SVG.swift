internal import Foundation

/// A builder for the text of an SVG drawing.
struct SVG {
  private var elements: [String] = []
  private let width: Double
  private let height: Double

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// The text of the whole file.
  var text: String {
    let size = "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
    let box = "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
    let font = "font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" \(size) \(box) \(font)>
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(elements.joined(separator: "\n"))
      </svg>

      """
  }

  /// Adds text with its baseline at `y`.
  mutating func add(
    _ text: String, x: Double, y: Double, size: Int, color: String = Color.text, weight: Int = 400,
    anchor: String = "start"
  ) {
    let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
    let style = "font-size=\"\(size)\" font-weight=\"\(weight)\" fill=\"\(color)\" text-anchor=\"\(anchor)\""
    elements.append("<text \(place) \(style)>\(Self.escaped(text))</text>")
  }

  /// Adds text rotated by 90 degrees counterclockwise and centered at a point.
  mutating func addTurned(_ text: String, x: Double, y: Double) {
    let place = "transform=\"translate(\(Self.number(x)) \(Self.number(y))) rotate(-90)\""
    elements.append(
      "<text \(place) font-size=\"13\" fill=\"\(Color.text)\" text-anchor=\"middle\">\(Self.escaped(text))</text>"
    )
  }

  mutating func addLine(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) {
    addPath("M\(Self.number(x1)) \(Self.number(y1))L\(Self.number(x2)) \(Self.number(y2))", style: style)
  }

  mutating func addPath(_ path: String, style: String) {
    elements.append("<path d=\"\(path)\" fill=\"none\" \(style)/>")
  }

  mutating func addDot(_ x: Double, _ y: Double) {
    elements.append(
      "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"2.6\" fill=\"\(Color.loss)\"/>")
  }

  mutating func addBar(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    elements.append("<rect \(Self.box(x, y, width, height)) rx=\"1\" fill=\"\(Color.bar)\"/>")
  }

  mutating func addFrame(_ plot: Plot) {
    let box = Self.box(plot.x, plot.y, plot.width, plot.height)
    elements.append("<rect \(box) fill=\"none\" \(LineStyle.axis)/>")
  }

  private static func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double) -> String {
    "x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\""
  }

  /// Returns a coordinate rounded to two decimal places, without trailing zeros.
  static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
  }

  /// Returns text escaped for XML, with control characters replaced by spaces.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// The colors of drawings on white.
enum Color {
  static let text = "#1f2933"
  static let quiet = "#5f6b7a"
  static let loss = "#0b62c4"
  static let bar = "#8fb8e6"
}

/// The SVG attributes of lines.
enum LineStyle {
  static let loss = "stroke=\"\(Color.loss)\" stroke-width=\"2\" stroke-linejoin=\"round\""
  static let threshold = "stroke=\"#d1392b\" stroke-width=\"1.6\" stroke-dasharray=\"6 4\""
  static let distance = "stroke=\"#7a8694\" stroke-width=\"1.4\""
  static let grid = "stroke=\"#e1e6ec\" stroke-width=\"1\""
  static let fineGrid = "stroke=\"#eef1f5\" stroke-width=\"1\""
  static let axis = "stroke=\"#9aa5b1\" stroke-width=\"1\""
}
