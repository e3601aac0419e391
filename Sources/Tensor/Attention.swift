internal import CTensorKernels

/// Scaled dot-product attention of several heads.
///
/// Queries, keys and values are tokens x channels; the channels of a head are neighbours. Scores are held for one block
/// of queries at a time; only `probabilities(query:key:)` returns them all.
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
      let result = callAsFunction(query: query.value, key: key.value, value: value.value)
      return .recorded(result, from: [query, key, value]) { upstream in
        pullback(upstream, query: query, key: key, value: value)
      }
    }
  }

  /// softmax(scale Q Kᵀ) V, head by head.
  ///
  /// - Returns: queries x channels.
  public func callAsFunction(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
    let blocks = blocks(query: query, key: key, value: value)
    return Tensor(shape: [blocks.queries, channels]) { output in
      guard let output = output.baseAddress, let q = query.readOnlyScalars.baseAddress,
        let k = key.readOnlyScalars.baseAddress, let v = value.readOnlyScalars.baseAddress
      else { return }
      Parallel.forEach(blocks.count) { index in
        let (head, rows) = blocks.part(index)
        withScratch(rows.count * blocks.keys) { scores in
          formProbabilities(scores, q, k, blocks, head, rows)
          BLAS.multiply(
            .init(scores, stride: blocks.keys), .init(v + head * blocks.depth, stride: channels),
            into: output + rows.lowerBound * channels + head * blocks.depth, stride: channels,
            rows: rows.count, columns: blocks.depth, depth: blocks.keys)
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
      guard let output = output.baseAddress, let q = query.readOnlyScalars.baseAddress,
        let k = key.readOnlyScalars.baseAddress
      else { return }
      Parallel.forEach(blocks.count) { index in
        let (head, rows) = blocks.part(index)
        formProbabilities(
          output + (head * blocks.queries + rows.lowerBound) * blocks.keys, q, k, blocks, head, rows)
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
  private func blocks(query: Tensor, key: Tensor, value: Tensor? = nil) -> AttentionBlocks {
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

  private func formProbabilities(
    _ scores: UnsafeMutablePointer<Float>, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ blocks: AttentionBlocks, _ head: Int, _ rows: Range<Int>
  ) {
    BLAS.multiply(
      .init(q + rows.lowerBound * channels + head * blocks.depth, stride: channels),
      .init(k + head * blocks.depth, stride: channels, transposed: true),
      into: scores, stride: blocks.keys, rows: rows.count, columns: blocks.keys, depth: blocks.depth)
    if isCausal {
      ctk_causal_softmax_rows(scores, rows.count, blocks.keys, blocks.keys, scale, rows.lowerBound)
    } else {
      ctk_softmax_rows(scores, rows.count, blocks.keys, blocks.keys, scale)
    }
  }

  /// The gradients at queries, keys and values; computes the probabilities again, block by block.
  ///
  /// With P the probabilities and dO the upstream gradient: dV = Pᵀ dO, dP = dO Vᵀ,
  /// dS = P ∘ (dP − rowsum(P ∘ dP)), dQ = scale dS K, dK = scale dSᵀ Q.
  private func pullback(_ upstream: Tensor, query: Variable, key: Variable, value: Variable) -> [Tensor?] {
    let blocks = blocks(query: query.value, key: key.value, value: value.value)
    func gradient(of input: Variable) -> TensorStorage? {
      input.isTracked ? TensorStorage(count: input.value.count) : nil
    }
    let (dQuery, dKey, dValue) = (gradient(of: query), gradient(of: key), gradient(of: value))
    let (dq, dk, dv) = (dQuery?.scalars.baseAddress, dKey?.scalars.baseAddress, dValue?.scalars.baseAddress)
    let gradients = [
      dQuery.map { Tensor(shape: query.shape, storage: $0) },
      dKey.map { Tensor(shape: key.shape, storage: $0) },
      dValue.map { Tensor(shape: value.shape, storage: $0) },
    ]
    guard let q = query.value.readOnlyScalars.baseAddress, let k = key.value.readOnlyScalars.baseAddress,
      let v = value.value.readOnlyScalars.baseAddress, let dy = upstream.readOnlyScalars.baseAddress
    else { return gradients }
    // All blocks of a head add to the same gradients at keys and values, so a head is the smallest piece of work.
    Parallel.forEach(heads) { head in
      let column = head * blocks.depth
      withScratch(2 * blocks.rowsPerBlock * blocks.keys) { scratch in
        for block in 0..<blocks.blocksPerHead {
          let rows = blocks.rows(block)
          let first = rows.lowerBound * channels + column
          let p = scratch
          let ds = scratch + rows.count * blocks.keys
          formProbabilities(p, q, k, blocks, head, rows)
          if let dv {
            BLAS.multiply(
              .init(p, stride: blocks.keys, transposed: true), .init(dy + first, stride: channels),
              into: dv + column, stride: channels, rows: blocks.keys, columns: blocks.depth,
              depth: rows.count,
              accumulates: block > 0)
          }
          guard dq != nil || dk != nil else { continue }
          BLAS.multiply(
            .init(dy + first, stride: channels),
            .init(v + column, stride: channels, transposed: true),
            into: ds, stride: blocks.keys, rows: rows.count, columns: blocks.keys, depth: blocks.depth)
          ctk_softmax_vjp_rows(ds, p, rows.count, blocks.keys, blocks.keys, scale)
          if let dq {
            BLAS.multiply(
              .init(ds, stride: blocks.keys), .init(k + column, stride: channels),
              into: dq + first, stride: channels, rows: rows.count, columns: blocks.depth, depth: blocks.keys
            )
          }
          if let dk {
            BLAS.multiply(
              .init(ds, stride: blocks.keys, transposed: true), .init(q + first, stride: channels),
              into: dk + column, stride: channels, rows: blocks.keys, columns: blocks.depth,
              depth: rows.count,
              accumulates: block > 0)
          }
        }
      }
    }
    return gradients
  }
}
