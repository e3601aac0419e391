import Foundation

/// Attention and its gradients by definition, in double precision.
struct NaiveAttention {
  let queries: Int
  let keys: Int
  let heads: Int

  /// The number of channels of a head.
  let depth: Int

  let q: [Double]
  let k: [Double]
  let v: [Double]

  /// heads × queries × keys.
  var probabilities: [Double]

  /// - Parameter seen: Query i attends to the first `seen` + i keys.
  init(
    _ q: [Double], _ k: [Double], _ v: [Double], queries: Int, keys: Int, heads: Int, seen: Int
  ) {
    self.queries = queries
    self.keys = keys
    self.heads = heads
    depth = q.count / queries / heads
    self.q = q
    self.k = k
    self.v = v
    let scale = 1 / Double(depth).squareRoot()
    let channels = heads * depth
    probabilities = []
    probabilities.reserveCapacity(heads * queries * keys)
    for head in 0..<heads {
      for i in 0..<queries {
        let seen = max(0, min(keys, seen + i))
        var row = [Double](repeating: 0, count: keys)
        for j in 0..<seen {
          for c in head * depth..<(head + 1) * depth {
            row[j] += q[i * channels + c] * k[j * channels + c]
          }
          row[j] = exp(scale * row[j])
        }
        let sum = row.reduce(0, +)
        for j in 0..<seen { row[j] /= sum }
        probabilities += row
      }
    }
  }

  /// Calls `body` with the offsets of each probability, its query and its key.
  private func forEachPair(_ body: (_ p: Int, _ query: Int, _ key: Int) -> Void) {
    let channels = heads * depth
    for head in 0..<heads {
      for i in 0..<queries {
        for j in 0..<keys {
          body(
            (head * queries + i) * keys + j, i * channels + head * depth,
            j * channels + head * depth)
        }
      }
    }
  }

  var output: [Double] {
    var y = [Double](repeating: 0, count: q.count)
    forEachPair { p, query, key in
      for c in 0..<depth { y[query + c] += probabilities[p] * v[key + c] }
    }
    return y
  }

  /// Returns the gradients by the chain rule through the softmax, one score at a time.
  func gradients(_ upstream: [Double]) -> (query: [Double], key: [Double], value: [Double]) {
    let scale = 1 / Double(depth).squareRoot()
    var (dq, dk, dv) = (q.map { _ in 0.0 }, k.map { _ in 0.0 }, v.map { _ in 0.0 })
    var dp = probabilities.map { _ in 0.0 }
    var sums = [Double](repeating: 0, count: heads * queries)
    forEachPair { p, query, key in
      for c in 0..<depth {
        dv[key + c] += probabilities[p] * upstream[query + c]
        dp[p] += upstream[query + c] * v[key + c]
      }
      sums[p / keys] += probabilities[p] * dp[p]
    }
    forEachPair { p, query, key in
      let ds = scale * probabilities[p] * (dp[p] - sums[p / keys])
      for c in 0..<depth {
        dq[query + c] += ds * k[key + c]
        dk[key + c] += ds * q[query + c]
      }
    }
    return (dq, dk, dv)
  }
}
