public import DiffusionCore
public import Tensor

/// The cross-attention maps of a prompt's words, and the self-attention of the image.
///
/// The maps are averages over the heads and layers of the UNet, separate for each grid and each step.
///
/// ```swift
/// let maps = try await inverted.attentionMaps()
/// let cat = try maps.map(of: "cat")  // height x width
/// try maps.overlay(of: "cat", on: photo).write(to: url)
/// ```
public struct AttentionMaps: Sendable {
  /// The size of an attention grid.
  public struct Grid: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// Creates a grid of the given size.
    public init(height: Int, width: Int) {
      self.height = height
      self.width = width
    }

    /// Whether `a` has fewer positions than `b`.
    public static func < (a: Grid, b: Grid) -> Bool { a.height * a.width < b.height * b.width }

    /// The width and the height, as in "16x16".
    public var description: String { "\(width)x\(height)" }
  }

  /// The words of the prompt.
  public let words: PromptWords
  /// The collected sampling steps, 0 being the noisiest; SDEdit samples only the last steps.
  public let steps: Range<Int>

  /// The cross-attention by grid and collected step: positions x tokens.
  let cross: [Grid: [Tensor]]
  /// The cross-attention grids outside the middle block, whose maps are sharpest.
  let outerGrids: Set<Grid>
  /// The self-attention by grid, averaged over all steps: positions x positions.
  let own: [Grid: Tensor]

  /// The grids with cross-attention, coarsest first.
  public var grids: [Grid] { cross.keys.sorted() }

  /// The grids with collected self-attention, coarsest first.
  public var selfGrids: [Grid] { own.keys.sorted() }

  /// Returns the attention to a word, averaged over heads, layers, steps and the word's tokens.
  ///
  /// - Parameters:
  ///   - word: A word or phrase of the prompt.
  ///   - grid: One of `grids`. If nil, the grid outside the middle block whose side is closest to a quarter of the
  ///     finest grid's side.
  ///   - steps: The sampling steps to average over, a part of `self.steps`; all of them if nil.
  /// - Returns: Height x width of the grid.
  /// - Throws: `InputError` if the word is not in the prompt, if there is no such grid or step, or if no steps were
  ///   sampled.
  public func map(of word: String, grid: Grid? = nil, steps: Range<Int>? = nil) throws -> Tensor {
    try map(ofTokens: words.tokens(of: word), grid: grid, steps: steps)
  }

  /// Returns the attention to the given tokens, averaged over heads, layers, tokens and steps; the start token has
  /// index 0.
  ///
  /// - Throws: `InputError` if there is no such token, grid or step, or if no steps were sampled.
  public func map(ofTokens tokens: [Int], grid: Grid? = nil, steps: Range<Int>? = nil) throws -> Tensor {
    let grid = try grid ?? defaultGrid()
    guard let watched = cross[grid] else {
      throw InputError(
        .outOfRange,
        "There is no cross-attention grid \(grid). Available grids: \(grids.map(\.description).joined(separator: ", "))."
      )
    }
    let steps = steps ?? self.steps
    guard !steps.isEmpty, self.steps.contains(steps) else {
      throw InputError(
        .outOfRange, "There are no maps of the steps \(steps). The collected steps are \(self.steps).")
    }
    let length = watched[0].rowLength
    if let token = tokens.first(where: { !(0..<length).contains($0) }) {
      throw InputError(.outOfRange, "There is no token \(token). The prompt has tokens 0 to \(length - 1).")
    }
    try InputError.require(!tokens.isEmpty, "There are no tokens to map. Give at least one.")
    let factor = 1 / Float(tokens.count * steps.count)
    return Tensor(shape: [grid.height, grid.width]) { map in
      map.initialize(repeating: 0)
      for step in steps {
        watched[step - self.steps.lowerBound].withScalars { rows in
          for position in map.indices {
            for token in tokens {
              map[position] += factor * rows[position * length + token]
            }
          }
        }
      }
    }
  }

  /// Draws a word's attention as a heat map over an image.
  ///
  /// - Throws: The errors of `map(of:grid:steps:)`.
  public func overlay(
    of word: String, on picture: RGBImage, grid: Grid? = nil, steps: Range<Int>? = nil
  ) throws -> RGBImage {
    HeatMap(try map(of: word, grid: grid, steps: steps)).overlaid(on: picture)
  }

  /// Returns the principal components of the self-attention at a grid, which show the similar parts of the image.
  ///
  /// They are the right singular vectors of the attention matrix, averaged over heads, layers and steps and centered
  /// by its mean row, in order of decreasing singular value. Each is signed so that its entry of largest magnitude is
  /// positive.
  ///
  /// - Parameters:
  ///   - count: The maximum number of components.
  ///   - grid: One of `selfGrids`; the finest if nil.
  /// - Returns: At most `count` maps of height x width.
  /// - Throws: `InputError` if there is no such grid, or if the attention is not finite.
  public func selfAttentionComponents(_ count: Int = 3, grid: Grid? = nil) throws -> [Tensor] {
    guard let grid = grid ?? selfGrids.last, let attention = own[grid] else {
      throw InputError(
        .outOfRange,
        "There is no self-attention at this grid. Available grids: \(selfGrids.map(\.description).joined(separator: ", "))."
      )
    }
    guard let parts = attention.withoutRowMean().singularValueDecomposition() else {
      throw InputError(.malformed, "The self-attention at \(grid) has values that are not numbers.")
    }
    return (0..<min(max(0, count), parts.values.count)).map { index in
      let component = parts.vTransposed[index]
      let sign: Float = component.maximum >= -component.minimum ? 1 : -1
      return (component * sign).reshaped([grid.height, grid.width])
    }
  }

  private func defaultGrid() throws -> Grid {
    guard !steps.isEmpty else {
      throw InputError(
        .outOfRange, "No steps were sampled: SDEdit with strength 0 leaves the image unchanged.")
    }
    let grids = outerGrids.isEmpty ? self.grids : outerGrids.sorted()
    guard let finest = grids.last else {
      throw InputError(.unsupported, "The network has no cross-attention.")
    }
    let wanted = max(1, finest.height * finest.width / 16)
    return grids.min { abs($0.height * $0.width - wanted) < abs($1.height * $1.width - wanted) } ?? finest
  }
}

extension Tensor {
  /// Returns the matrix with its mean row subtracted from each row.
  fileprivate func withoutRowMean() -> Tensor {
    let (rows, columns) = shape2
    var means = [Float](repeating: 0, count: columns)
    withScalars { scalars in
      for i in scalars.indices { means[i % columns] += scalars[i] / Float(rows) }
    }
    return withScalars { scalars in
      Tensor(shape: shape) { result in
        for i in result.indices { result[i] = scalars[i] - means[i % columns] }
      }
    }
  }
}
