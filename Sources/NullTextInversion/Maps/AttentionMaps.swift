public import DiffusionCore
public import Tensor

/// Where the words of a prompt look in a picture, and which of its parts look alike.
///
/// Averages over heads and layers of a UNet's attention, kept for each grid and each step.
///
///     let maps = try await inverted.attentionMaps()
///     let cat = try maps.map(of: "cat")                  // height x width
///     try maps.overlay(of: "cat", on: photo).write(to: url)
public struct AttentionMaps: Sendable {
  /// A size at which the network attends.
  public struct Grid: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int

    /// A grid of a given size.
    public init(height: Int, width: Int) {
      self.height = height
      self.width = width
    }

    /// Whether there are fewer positions in `a`.
    public static func < (a: Grid, b: Grid) -> Bool { a.height * a.width < b.height * b.width }

    /// As in "16x16", width first.
    public var description: String { "\(width)x\(height)" }
  }

  /// The words that look.
  public let words: PromptWords
  /// The sampling steps that were watched, 0 being the noisiest; an edit with a late start walks only the last.
  public let steps: Range<Int>

  /// By grid and watched step: positions x tokens.
  let cross: [Grid: [Tensor]]
  /// The grids at which words look on the way down or up, where their maps are sharpest.
  let outerGrids: Set<Grid>
  /// By grid, over all steps: positions x positions.
  let own: [Grid: Tensor]

  /// The grids at which words look, coarsest first.
  public var grids: [Grid] { cross.keys.sorted() }

  /// The grids for which self-attention was kept, coarsest first.
  public var selfGrids: [Grid] { own.keys.sorted() }

  /// The attention to a word: the mean over heads, layers, the word's tokens and steps.
  ///
  /// - Parameters:
  ///   - grid: one of `grids`; if nil, of those outside the middle block the one nearest to a quarter of the finest's side.
  ///   - steps: the sampling steps to average over, some of `self.steps`; all of them if nil.
  /// - Returns: height x width of the grid.
  /// - Throws: `InputError` if the word is not in the prompt, there is no such grid or step, or no step was watched.
  public func map(of word: String, grid: Grid? = nil, steps: Range<Int>? = nil) throws -> Tensor {
    try map(ofTokens: words.tokens(of: word), grid: grid, steps: steps)
  }

  /// The attention to some tokens, position 0 being the start token: the mean over heads, layers, tokens and steps.
  ///
  /// - Throws: `InputError` if there is no such token, grid or step, or no step was watched.
  public func map(ofTokens tokens: [Int], grid: Grid? = nil, steps: Range<Int>? = nil) throws -> Tensor {
    let grid = try grid ?? defaultGrid()
    guard let watched = cross[grid] else {
      throw InputError(
        .outOfRange,
        "No words look at a grid of \(grid); there are \(grids.map(\.description).joined(separator: ", ")).")
    }
    let steps = steps ?? self.steps
    guard !steps.isEmpty, self.steps.contains(steps) else {
      throw InputError(.outOfRange, "Steps \(steps): steps \(self.steps) were watched; ask for some of them.")
    }
    let length = watched[0].rowLength
    if let token = tokens.first(where: { !(0..<length).contains($0) }) {
      throw InputError(.outOfRange, "Token \(token): the text has tokens 0 to \(length - 1).")
    }
    try InputError.require(!tokens.isEmpty, "No tokens: ask for one at least.")
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

  /// A word's attention as colours over a picture.
  ///
  /// - Throws: as `map(of:grid:steps:)`.
  public func overlay(
    of word: String, on picture: RGBImage, grid: Grid? = nil, steps: Range<Int>? = nil
  ) throws -> RGBImage {
    HeatMap(try map(of: word, grid: grid, steps: steps)).overlaid(on: picture)
  }

  /// The principal components of the self-attention at a grid: which parts of the picture look alike.
  ///
  /// The right singular vectors of the attention averaged over heads, layers and steps, with the mean of its rows taken
  /// away, strongest first. Signs are such that the largest entry of each is positive.
  ///
  /// - Parameter grid: one of `selfGrids`; the finest if nil.
  /// - Returns: up to `count` maps of height x width.
  /// - Throws: `InputError` if there is no such grid.
  public func selfAttentionComponents(_ count: Int = 3, grid: Grid? = nil) throws -> [Tensor] {
    guard let grid = grid ?? selfGrids.last, let attention = own[grid] else {
      throw InputError(
        .outOfRange,
        "No self-attention was kept at that grid; there are \(selfGrids.map(\.description).joined(separator: ", "))."
      )
    }
    guard let parts = attention.withoutRowMean().singularValueDecomposition() else {
      throw InputError(.malformed, "The self-attention at \(grid) holds something that is not a number.")
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
        .outOfRange, "No step was walked: a late start at strength 0 keeps the picture as it is.")
    }
    let grids = outerGrids.isEmpty ? self.grids : outerGrids.sorted()
    guard let finest = grids.last else {
      throw InputError(.unsupported, "The network has no attention to words.")
    }
    let wanted = max(1, finest.height * finest.width / 16)
    return grids.min { abs($0.height * $0.width - wanted) < abs($1.height * $1.width - wanted) } ?? finest
  }
}

extension Tensor {
  /// The matrix with the mean of its rows taken from each.
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
