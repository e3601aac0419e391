package import Tensor

/// The attention to the words of a local blend, summed over layers, heads and steps, and the mask computed from it.
///
/// Each target prompt has its own maps. They are sums; their scale cancels when a mask is computed.
package struct LocalBlendMaps: Sendable {
  /// The blend's settings.
  package let blend: LocalBlend

  /// The size of the maps.
  package let grid: LocalBlendGrid

  private var words: PairOfMaps
  private var subtracted: PairOfMaps

  /// Creates empty maps for the words of two prompts.
  ///
  /// - Throws: `InputError`: `mismatch` if a word is not in its prompt or there are no words, `outOfRange` if a
  ///   threshold or the start is out of range.
  package init(_ blend: LocalBlend, source: PromptWords, target: PromptWords, grid: LocalBlendGrid) throws {
    try blend.validate()
    self.blend = blend
    self.grid = grid
    words = try PairOfMaps(blend.words, source, target, grid, role: "word to blend")
    subtracted = try PairOfMaps(
      blend.subtracted, source, target, grid, role: "word to subtract from the blend")
  }

  /// Adds the cross-attention of one layer in one step, [heads, positions, tokens].
  ///
  /// - Parameters:
  ///   - source: The attention of the source prompt.
  ///   - target: The attention of the target prompt, as edited.
  package mutating func add(source: Tensor, target: Tensor) {
    precondition(
      [source, target].allSatisfy { $0.shape.count == 3 && $0.shape[1] == grid.count },
      "attention of \(source.shape) and \(target.shape) on a grid of \(grid.height) x \(grid.width)")
    words.add(source: source, target: target)
    subtracted.add(source: source, target: target)
  }

  /// Returns the mask, [height, width]: 1 where the target's latent is kept, 0 where it is replaced by the source's.
  ///
  /// Each map is dilated by 3 x 3 max pooling (except maps of subtracted words), resized to the latent's size by
  /// nearest neighbor, and compared with its own maximum. Source and target have equal weight. A map without positive
  /// values selects nothing.
  package func mask(height: Int, width: Int) -> Tensor {
    let size = LocalBlendGrid(height: height, width: width)
    let kept = words.marks(above: blend.threshold, widened: true, from: grid, to: size)
    let excluded = subtracted.marks(above: blend.subtractThreshold, widened: false, from: grid, to: size)
    return Tensor(zip(kept, excluded).map { $0 && !$1 ? 1 : 0 }, shape: [height, width])
  }

  /// Blends the latents after a step, [height, width, channels].
  ///
  /// - Parameter mask: [height, width], from 0 (exactly the source) to 1 (exactly the target).
  package static func blended(target: Tensor, source: Tensor, mask: Tensor) -> Tensor {
    let (height, width, channels) = target.shape3
    precondition(
      source.shape == target.shape && mask.shape == [height, width],
      "latents of \(target.shape) and \(source.shape), mask of \(mask.shape)")
    var result = source
    result.withMutableScalars { result in
      target.withScalars { target in
        for (position, share) in mask.scalars.enumerated() where share != 0 {
          for i in position * channels..<(position + 1) * channels {
            result[i] = share == 1 ? target[i] : result[i] + share * (target[i] - result[i])
          }
        }
      }
    }
    return result
  }
}

/// The maps of some words of the source prompt and of some words of the target prompt.
private struct PairOfMaps: Sendable {
  private var source: WordMap
  private var target: WordMap

  init(
    _ words: LocalBlend.Words, _ source: PromptWords, _ target: PromptWords, _ grid: LocalBlendGrid,
    role: String
  )
    throws
  {
    self.source = WordMap(tokens: try source.tokens(ofAny: words.source, as: role), count: grid.count)
    self.target = WordMap(tokens: try target.tokens(ofAny: words.target, as: role), count: grid.count)
  }

  mutating func add(source: Tensor, target: Tensor) {
    self.source.add(source)
    self.target.add(target)
  }

  func marks(above threshold: Double, widened: Bool, from grid: LocalBlendGrid, to size: LocalBlendGrid)
    -> [Bool]
  {
    let (a, b) = (
      source.marks(above: Float(threshold), widened: widened, from: grid, to: size),
      target.marks(above: Float(threshold), widened: widened, from: grid, to: size)
    )
    return zip(a, b).map { $0 || $1 }
  }
}

/// The summed attention of each grid position to some tokens.
private struct WordMap: Sendable {
  private let tokens: [Int]
  private var sums: [Float]

  init(tokens: [Int], count: Int) {
    self.tokens = tokens
    sums = Array(repeating: 0, count: count)
  }

  mutating func add(_ attention: Tensor) {
    guard !tokens.isEmpty else { return }
    let (heads, length) = (attention.shape[0], attention.shape[2])
    attention.withScalars { attention in
      for position in sums.indices {
        var sum: Float = 0
        for head in 0..<heads {
          let row = (head * sums.count + position) * length
          for token in tokens { sum += attention[row + token] }
        }
        sums[position] += sum
      }
    }
  }

  func marks(above threshold: Float, widened: Bool, from grid: LocalBlendGrid, to size: LocalBlendGrid)
    -> [Bool]
  {
    let map = widened ? maximumOfNeighbors(in: grid) : sums
    let rows = Self.nearest(from: grid.height, to: size.height)
    let columns = Self.nearest(from: grid.width, to: size.width)
    let enlarged = rows.flatMap { row in columns.map { map[row * grid.width + $0] } }
    let peak = enlarged.max() ?? 0
    return enlarged.map { peak > 0 && $0 / peak > threshold }
  }

  private func maximumOfNeighbors(in grid: LocalBlendGrid) -> [Float] {
    sums.indices.map { position in
      let (row, column) = (position / grid.width, position % grid.width)
      var peak = sums[position]
      for r in max(row - 1, 0)...min(row + 1, grid.height - 1) {
        for c in max(column - 1, 0)...min(column + 1, grid.width - 1) {
          peak = max(peak, sums[r * grid.width + c])
        }
      }
      return peak
    }
  }

  /// Returns, for each position on an axis of length `size`, the nearest one on an axis of length `count`, with
  /// PyTorch's single-precision rounding.
  private static func nearest(from count: Int, to size: Int) -> [Int] {
    let scale = Float(count) / Float(size)
    return (0..<size).map { min(Int(Float($0) * scale), count - 1) }
  }
}
