internal import CTensorKernels

/// Multi-head scaled dot-product attention (Vaswani and others 2017, arXiv 1706.03762).
///
/// Queries, keys and values are tokens × channels; the channels of a head are contiguous. Scores are computed in blocks
/// of queries and keys; only `probabilities(query:key:)` returns all of them.
public struct Attention: Sendable, Equatable {
  /// The number of heads.
  public let heads: Int

  /// The total number of channels of all heads.
  public let channels: Int

  /// The factor of the scores before the softmax: 1/√(channels per head).
  public let scale: Float

  /// Whether a token attends only to itself and earlier tokens, as in text encoders.
  public let isCausal: Bool

  /// Creates an attention of several heads with `channels / heads` channels each.
  public init(heads: Int, channels: Int, isCausal: Bool = false) {
    precondition(
      heads > 0 && channels > 0 && channels.isMultiple(of: heads), "\(channels) channels in \(heads) heads")
    self.heads = heads
    self.channels = channels
    self.scale = 1 / Float(channels / heads).squareRoot()
    self.isCausal = isCausal
  }

  /// Returns softmax(scale Q Kᵀ) V, head by head.
  ///
  /// - Returns: queries × channels.
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

  /// Returns softmax(scale Q Kᵀ) V, head by head.
  ///
  /// - Returns: queries × channels.
  public func callAsFunction(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
    attend(query, key, value, statistics: nil)
  }

  /// Computes the attention block by block with online softmax; only one block of scores exists at a time.
  ///
  /// - Parameter statistics: heads × 2 × queries, written for the backward pass: the maximum score of each query, and
  ///   the reciprocal of the sum of its exponentials.
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

  /// Returns the attention probabilities: softmax(scale Q Kᵀ).
  ///
  /// - Returns: heads × queries × keys; each row sums to one.
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

  /// Returns the sum of the values weighted by the given probabilities, which need not sum to one.
  ///
  /// - Parameters:
  ///   - probabilities: heads × queries × keys.
  ///   - value: keys × channels.
  /// - Returns: queries × channels.
  public func mix(_ probabilities: Tensor, _ value: Tensor) -> Tensor {
    let (heads, queries, keys) = probabilities.shape3
    precondition(
      heads == self.heads && value.shape == [keys, channels],
      "probabilities \(probabilities.shape) and values \(value.shape) for \(self.heads) heads of \(channels) channels"
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

  /// Returns the division of one evaluation into blocks; traps if the shapes do not match.
  func blocks(query: Tensor, key: Tensor, value: Tensor? = nil) -> AttentionBlocks {
    let fits =
      [query, key].allSatisfy { $0.shape.count == 2 && $0.count > 0 && $0.rowLength == channels }
      && (value ?? key).shape == key.shape
    precondition(
      fits,
      """
      queries \(query.shape), keys \(key.shape), values \((value ?? key).shape) for attention with \(channels) channels
      """)
    return AttentionBlocks(queries: query.shape[0], keys: key.shape[0], heads: heads, depth: channels / heads)
  }
}
