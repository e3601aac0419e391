internal import CTensorKernels

/// Scaled dot-product attention of several heads.
///
/// Queries, keys and values are tokens x channels; the channels of a head are neighbours. Scores are held for some queries
/// and some keys at a time; only `probabilities(query:key:)` returns them all.
public struct Attention: Sendable, Equatable {
  /// The number of heads.
  public let heads: Int

  /// The number of channels of queries, keys and values, all heads together.
  public let channels: Int

  /// The factor of the scores before the softmax: 1/√(channels per head).
  public let scale: Float

  /// Whether a token attends only to itself and the tokens before it (text encoders).
  public let isCausal: Bool

  /// Attention of several heads with `channels / heads` channels each.
  public init(heads: Int, channels: Int, isCausal: Bool = false) {
    precondition(
      heads > 0 && channels > 0 && channels.isMultiple(of: heads), "\(channels) channels in \(heads) heads")
    self.heads = heads
    self.channels = channels
    self.scale = 1 / Float(channels / heads).squareRoot()
    self.isCausal = isCausal
  }

  /// softmax(scale Q Kᵀ) V, head by head.
  ///
  /// - Returns: queries x channels.
  public func callAsFunction(query: Variable, key: Variable, value: Variable) -> Variable {
    Profile.measure(.attention(query: query, key: key, value: value)) {
      guard [query, key, value].contains(where: \.isTracked) else {
        return Variable(callAsFunction(query: query.value, key: key.value, value: value.value))
      }
      let statistics = TensorStorage(count: heads * 2 * query.shape[0])
      let result = attend(query.value, key.value, value.value, statistics: statistics.scalars.baseAddress)
      return .recorded(result, from: [query, key, value]) { upstream in
        pullback(upstream, query: query, key: key, value: value, output: result, statistics: statistics)
      }
    }
  }

  /// softmax(scale Q Kᵀ) V, head by head.
  ///
  /// - Returns: queries x channels.
  public func callAsFunction(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
    attend(query, key, value, statistics: nil)
  }

  /// The attention, block by block with online softmax; no more than a block of scores is ever held.
  ///
  /// - Parameter statistics: heads x 2 x queries for the way back: the largest score of each query, and one over the sum
  ///   of its exponentials.
  private func attend(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, statistics: UnsafeMutablePointer<Float>?
  ) -> Tensor {
    let blocks = blocks(query: query, key: key, value: value)
    return Tensor(shape: [blocks.queries, channels]) { output in
      guard let output = output.baseAddress else { return }
      Parallel.forEach(blocks.count) { index in
        let (head, rows) = blocks.part(index)
        let column = head * blocks.depth
        let row = rows.lowerBound * channels + column
        withScratch(ctk_attention_scratch(blocks.depth)) { scratch in
          ctk_attend(
            output + row, statistics.map { $0 + 2 * head * blocks.queries + rows.lowerBound }, blocks.queries,
            query.address(row), key.address(column), value.address(column), channels, rows.count, blocks.keys,
            blocks.depth, scale, isCausal ? rows.lowerBound + 1 : blocks.keys, scratch)
        }
      }
    }
  }

  /// The attention probabilities: softmax(scale Q Kᵀ).
  ///
  /// - Returns: heads x queries x keys; each row sums to one.
  public func probabilities(query: Tensor, key: Tensor) -> Tensor {
    let blocks = blocks(query: query, key: key)
    return Tensor(shape: [heads, blocks.queries, blocks.keys]) { output in
      guard let output = output.baseAddress else { return }
      Parallel.forEach(blocks.count) { index in
        let (head, rows) = blocks.part(index)
        let column = head * blocks.depth
        withScratch(ctk_attention_probabilities_scratch(blocks.keys, blocks.depth)) { scratch in
          ctk_attention_probabilities(
            output + (head * blocks.queries + rows.lowerBound) * blocks.keys,
            query.address(rows.lowerBound * channels + column), key.address(column), channels, rows.count,
            blocks.keys, blocks.depth, scale, isCausal ? rows.lowerBound + 1 : blocks.keys, scratch)
        }
      }
    }
  }

  /// The sum of the values weighted by given probabilities, which need not sum to one.
  ///
  /// - Parameters:
  ///   - probabilities: heads x queries x keys.
  ///   - value: keys x channels.
  /// - Returns: queries x channels.
  public func mix(_ probabilities: Tensor, _ value: Tensor) -> Tensor {
    let (heads, queries, keys) = probabilities.shape3
    precondition(
      heads == self.heads && value.shape == [keys, channels],
      "probabilities \(probabilities.shape) and values \(value.shape) in \(self.heads) heads of \(channels) channels"
    )
    let depth = channels / heads
    return Tensor(shape: [queries, channels]) { output in
      guard let output = output.baseAddress, let p = probabilities.readOnlyScalars.baseAddress,
        let v = value.readOnlyScalars.baseAddress
      else { return }
      Parallel.forEach(heads) { head in
        BLAS.multiply(
          .init(p + head * queries * keys, stride: keys), .init(v + head * depth, stride: channels),
          into: output + head * depth, stride: channels, rows: queries, columns: depth, depth: keys)
      }
    }
  }

  /// The blocks of one evaluation; traps if the tensors do not fit.
  func blocks(query: Tensor, key: Tensor, value: Tensor? = nil) -> AttentionBlocks {
    let fits =
      [query, key].allSatisfy { $0.shape.count == 2 && $0.count > 0 && $0.rowLength == channels }
      && (value ?? key).shape == key.shape
    precondition(
      fits,
      """
      queries \(query.shape), keys \(key.shape), values \((value ?? key).shape) in attention of \(channels) channels
      """)
    return AttentionBlocks(queries: query.shape[0], keys: key.shape[0], heads: heads, depth: channels / heads)
  }
}
