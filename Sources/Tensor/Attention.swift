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
    let result = callAsFunction(query: query.value, key: key.value, value: value.value)
    return .recorded(result, from: [query, key, value]) { upstream in
      pullback(upstream, query: query, key: key, value: value)
    }
  }

  /// softmax(scale Q Kᵀ) V, head by head.
  ///
  /// - Returns: queries x channels.
  public func callAsFunction(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
    let size = Size(self, query: query, key: key, value: value)
    return Tensor(shape: [size.queries, channels]) { output in
      guard let output = output.baseAddress, let q = query.readOnlyScalars.baseAddress,
        let k = key.readOnlyScalars.baseAddress, let v = value.readOnlyScalars.baseAddress
      else { return }
      Parallel.forEach(heads * size.blocks) { index in
        let (head, rows) = size.part(index)
        withScratch(rows.count * size.keys) { scores in
          formProbabilities(scores, q, k, size, head, rows)
          BLAS.multiply(
            .init(scores, stride: size.keys), .init(v + head * size.depth, stride: size.channels),
            into: output + rows.lowerBound * size.channels + head * size.depth, stride: size.channels,
            rows: rows.count, columns: size.depth, depth: size.keys)
        }
      }
    }
  }

  /// The attention probabilities: softmax(scale Q Kᵀ).
  ///
  /// - Returns: heads x queries x keys; each row sums to one.
  public func probabilities(query: Tensor, key: Tensor) -> Tensor {
    let size = Size(self, query: query, key: key)
    return Tensor(shape: [heads, size.queries, size.keys]) { output in
      guard let output = output.baseAddress, let q = query.readOnlyScalars.baseAddress,
        let k = key.readOnlyScalars.baseAddress
      else { return }
      Parallel.forEach(heads * size.blocks) { index in
        let (head, rows) = size.part(index)
        formProbabilities(
          output + (head * size.queries + rows.lowerBound) * size.keys, q, k, size, head, rows)
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

  /// The lengths of one evaluation, and its division into heads and blocks of queries.
  private struct Size {
    let queries: Int
    let keys: Int
    let channels: Int
    let depth: Int
    let rowsPerBlock: Int

    init(_ attention: Attention, query: Tensor, key: Tensor, value: Tensor? = nil) {
      queries = query.shape2.0
      keys = key.shape2.0
      channels = attention.channels
      depth = channels / attention.heads
      precondition(
        query.rowLength == channels && key.rowLength == channels
          && (value.map { $0.shape == key.shape } ?? true),
        """
        queries \(query.shape), keys \(key.shape), values \((value ?? key).shape) in attention of \(channels) channels
        """)
      // About a megabyte of scores a block.
      rowsPerBlock = min(queries, max(64, (1 << 18) / max(keys, 1)))
    }

    var blocks: Int { (queries + rowsPerBlock - 1) / max(rowsPerBlock, 1) }

    func part(_ index: Int) -> (head: Int, rows: Range<Int>) {
      let (head, block) = index.quotientAndRemainder(dividingBy: blocks)
      return (head, rows(block))
    }

    func rows(_ block: Int) -> Range<Int> { block * rowsPerBlock..<min(queries, (block + 1) * rowsPerBlock) }
  }

  private func formProbabilities(
    _ scores: UnsafeMutablePointer<Float>, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ size: Size,
    _ head: Int, _ rows: Range<Int>
  ) {
    BLAS.multiply(
      .init(q + rows.lowerBound * size.channels + head * size.depth, stride: size.channels),
      .init(k + head * size.depth, stride: size.channels, transposed: true),
      into: scores, stride: size.keys, rows: rows.count, columns: size.keys, depth: size.depth)
    if isCausal {
      ctk_causal_softmax_rows(scores, rows.count, size.keys, size.keys, scale, rows.lowerBound)
    } else {
      ctk_softmax_rows(scores, rows.count, size.keys, size.keys, scale)
    }
  }

  /// The gradients at queries, keys and values; computes the probabilities again, block by block.
  ///
  /// With P the probabilities and dO the upstream gradient: dV = Pᵀ dO, dP = dO Vᵀ,
  /// dS = P ∘ (dP − rowsum(P ∘ dP)), dQ = scale dS K, dK = scale dSᵀ Q.
  private func pullback(_ upstream: Tensor, query: Variable, key: Variable, value: Variable) -> [Tensor?] {
    let size = Size(self, query: query.value, key: key.value, value: value.value)
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
      let column = head * size.depth
      withScratch(2 * size.rowsPerBlock * size.keys) { scratch in
        for block in 0..<size.blocks {
          let rows = size.rows(block)
          let first = rows.lowerBound * size.channels + column
          let p = scratch
          let ds = scratch + rows.count * size.keys
          formProbabilities(p, q, k, size, head, rows)
          if let dv {
            BLAS.multiply(
              .init(p, stride: size.keys, transposed: true), .init(dy + first, stride: size.channels),
              into: dv + column, stride: size.channels, rows: size.keys, columns: size.depth,
              depth: rows.count,
              accumulates: block > 0)
          }
          guard dq != nil || dk != nil else { continue }
          BLAS.multiply(
            .init(dy + first, stride: size.channels),
            .init(v + column, stride: size.channels, transposed: true),
            into: ds, stride: size.keys, rows: rows.count, columns: size.keys, depth: size.depth)
          ctk_softmax_vjp_rows(ds, p, rows.count, size.keys, size.keys, scale)
          if let dq {
            BLAS.multiply(
              .init(ds, stride: size.keys), .init(k + column, stride: size.channels),
              into: dq + first, stride: size.channels, rows: rows.count, columns: size.depth, depth: size.keys
            )
          }
          if let dk {
            BLAS.multiply(
              .init(ds, stride: size.keys, transposed: true), .init(q + first, stride: size.channels),
              into: dk + column, stride: size.channels, rows: size.keys, columns: size.depth,
              depth: rows.count,
              accumulates: block > 0)
          }
        }
      }
    }
    return gradients
  }
}
