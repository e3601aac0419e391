/// Places labels next to the dots of a plot, without overlaps with dots or other labels.
struct LabelLayout {
  /// The position of a label, with its baseline at `y`.
  struct Place {
    let x: Double
    let y: Double
    /// The SVG anchor of the text.
    let anchor: String
  }

  private struct Box {
    let x: ClosedRange<Double>
    let y: ClosedRange<Double>

    func overlaps(_ other: Box) -> Bool { x.overlaps(other.x) && y.overlaps(other.y) }
  }

  private let plot: Plot
  private let size: Int
  private var taken: [Box]

  /// Creates a layout without labels.
  ///
  /// - Parameters:
  ///   - plot: The plot, which contains all labels.
  ///   - size: The font size of the labels.
  ///   - dots: The centers of all dots.
  init(in plot: Plot, size: Int, dots: [(x: Double, y: Double)]) {
    self.plot = plot
    self.size = size
    taken = dots.map { Box(x: ($0.x - 4)...($0.x + 4), y: ($0.y - 4)...($0.y + 4)) }
  }

  /// Returns the first free of eight positions around a dot, and occupies it; nil if none is free.
  mutating func place(_ text: String, at dot: (x: Double, y: Double)) -> Place? {
    // 0.58 is a generous mean width of a letter in sans-serif fonts, relative to the font size.
    let (width, height) = (0.58 * Double(size * text.count), Double(size))
    for (dx, dy) in [(1.0, -0.35), (1, 1), (-1, -0.35), (-1, 1), (1, -1), (1, 1.8), (-1, -1), (-1, 1.8)] {
      let left = dx > 0 ? dot.x + 7 : dot.x - 7 - width
      let baseLine = dot.y + dy * height
      let box = Box(x: left...(left + width), y: (baseLine - 0.8 * height)...(baseLine + 0.2 * height))
      guard box.x.lowerBound >= plot.x, box.x.upperBound <= plot.x + plot.width,
        box.y.lowerBound >= plot.y, box.y.upperBound <= plot.y + plot.height,
        !taken.contains(where: box.overlaps)
      else { continue }
      taken.append(box)
      return Place(x: dx > 0 ? left : dot.x - 7, y: baseLine, anchor: dx > 0 ? "start" : "end")
    }
    return nil
  }
}
