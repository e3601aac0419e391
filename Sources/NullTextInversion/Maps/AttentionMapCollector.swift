internal import DiffusionCore
internal import Tensor

/// Collects average attention maps step by step, without changing the attention.
final class AttentionMapCollector: AttentionControl {
  private struct Sum {
    var total: Tensor
    var count = 0

    mutating func add(_ probabilities: Tensor) {
      let (heads, queries, keys) = probabilities.shape3
      count += heads
      total.withMutableScalars { total in
        probabilities.withScalars { p in
          for head in 0..<heads {
            for i in 0..<queries * keys { total[i] += p[head * queries * keys + i] }
          }
        }
      }
    }

    var mean: Tensor { total * (1 / Float(max(count, 1))) }
  }

  /// The side length of the largest self-attention grid that is collected.
  ///
  /// Larger grids take too much memory: the size of a self-attention matrix is the square of the number of positions.
  private let selfGrid: Int
  private var cross: [AttentionMaps.Grid: Sum] = [:]
  private var own: [AttentionMaps.Grid: Sum] = [:]
  private var steps: [AttentionMaps.Grid: [Tensor]] = [:]
  /// The steps that were collected.
  private var watched = 0..<0
  private var outerGrids: Set<AttentionMaps.Grid> = []

  init(selfGrid: Int = 32) { self.selfGrid = selfGrid }

  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
  {
    if watches(site) { add(attention.probabilities(query: query, key: key), at: site) }
    return nil
  }

  /// Whether the attention at a site is collected.
  func watches(_ site: AttentionSite) -> Bool { site.isCross || site.isWithin(nominalSide: selfGrid) }

  /// Adds probabilities, heads x queries x keys, to the averages.
  func add(_ probabilities: Tensor, at site: AttentionSite) {
    let grid = AttentionMaps.Grid(height: site.height, width: site.width)
    let (_, queries, keys) = probabilities.shape3
    let empty = Sum(total: Tensor(zeros: [queries, keys]))
    if site.isCross {
      if site.place != .mid { outerGrids.insert(grid) }
      cross[grid, default: empty].add(probabilities)
    } else {
      own[grid, default: empty].add(probabilities)
    }
  }

  /// Ends a step; steps must be consecutive.
  func finish(step: Int) {
    watched = (watched.isEmpty ? step : watched.lowerBound)..<step + 1
    for (grid, sum) in cross { steps[grid, default: []].append(sum.mean) }
    cross = [:]
  }

  func maps(of words: PromptWords) -> AttentionMaps {
    AttentionMaps(
      words: words, steps: watched, cross: steps, outerGrids: outerGrids, own: own.mapValues(\.mean))
  }
}
