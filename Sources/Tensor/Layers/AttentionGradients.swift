internal import CTensorKernels

extension Attention {
  /// Returns the gradients of queries, keys and values; recomputes the probabilities from the statistics, piece by
  /// piece.
  ///
  /// With P the probabilities, O the output and dO the upstream gradient: dV = Pᵀ dO, dP = dO Vᵀ, dS = P ∘ (dP −
  /// rowsum(O ∘ dO)), dQ = scale dS K, dK = scale dSᵀ Q. A piece is a range of queries and a range of keys of a head.
  /// Contributions of several pieces to the same gradient are summed last, in order.
  ///
  /// - Parameters:
  ///   - output: The result of the attention.
  ///   - statistics: The softmax statistics of the forward pass.
  func pullback(
    _ upstream: Tensor, query: Variable, key: Variable, value: Variable, output: Tensor,
    statistics: TensorStorage
  ) -> [Tensor?] {
    let blocks = blocks(query: query.value, key: key.value, value: value.value)
    let dQuery = GradientParts(at: query, parts: blocks.keyParts, factor: scale, blocks)
    let dKey = GradientParts(at: key, parts: blocks.queryParts, factor: scale, blocks)
    let dValue = GradientParts(at: value, parts: blocks.queryParts, factor: 1, blocks)
    Parallel.forEach(blocks.pieceCount) { index in
      let piece = blocks.piece(index)
      let (head, firstQuery, firstKey) = (piece.head, piece.queries.lowerBound, piece.keys.lowerBound)
      let row = firstQuery * channels + head * blocks.depth
      let keyRow = firstKey * channels + head * blocks.depth
      withScratch(ctk_attention_vjp_scratch(piece.queries.count, blocks.depth)) { scratch in
        ctk_attend_vjp(
          dQuery.lanes(head, part: piece.keyPart, token: firstQuery),
          dKey.lanes(head, part: piece.queryPart, token: firstKey),
          dValue.lanes(head, part: piece.queryPart, token: firstKey),
          query.value.address(row), key.value.address(keyRow), value.value.address(keyRow),
          output.address(row), upstream.address(row), channels,
          statistics.scalars.baseAddress.map { $0 + 2 * head * blocks.queries + firstQuery }, blocks.queries,
          piece.queries.count, piece.keys.count, blocks.depth, scale,
          isCausal ? firstQuery + 1 - firstKey : piece.keys.count, scratch)
      }
      if blocks.pieceCount == heads {
        for parts in [dQuery, dKey, dValue] { parts.sum(head, 0..<parts.tokens) }
      }
    }
    let gradients = [dQuery, dKey, dValue]
    if blocks.pieceCount > heads { for parts in gradients { parts.sum() } }
    return gradients.map(\.gradient)
  }
}

/// The gradient of queries, keys or values, and its partial sums: heads × parts × tokens in lanes.
private struct GradientParts {
  private let blocks: AttentionBlocks
  private let shape: [Int]
  private let parts: Int
  private let factor: Float

  /// Nil if the gradient is not needed.
  private let storage: (lanes: TensorStorage, gradient: TensorStorage)?

  /// - Parameter factor: The factor of the sum.
  init(at input: Variable, parts: Int, factor: Float, _ blocks: AttentionBlocks) {
    self.blocks = blocks
    self.parts = parts
    self.factor = factor
    shape = input.shape
    let count = blocks.heads * parts * blocks.lanesLength(input.shape[0])
    storage =
      input.isTracked ? (TensorStorage(count: count), TensorStorage(count: input.value.count)) : nil
  }

  var tokens: Int { shape[0] }

  /// The gradient; valid after `sum`.
  var gradient: Tensor? { storage.map { Tensor(shape: shape, storage: $0.gradient) } }

  /// Returns the address of the lanes that begin at a token, the first of its group.
  func lanes(_ head: Int, part: Int, token: Int) -> UnsafeMutablePointer<Float>? {
    let offset = (head * parts + part) * blocks.lanesLength(tokens) + token * blocks.depth
    return storage?.lanes.scalars.baseAddress.map { $0 + offset }
  }

  /// Computes the gradient of all tokens.
  func sum() {
    let grain = AttentionBlocks.rowsPerBlock
    let ranges = (tokens + grain - 1) / grain
    Parallel.forEach(blocks.heads * ranges) { index in
      let (head, range) = index.quotientAndRemainder(dividingBy: ranges)
      sum(head, range * grain..<min(tokens, (range + 1) * grain))
    }
  }

  /// Computes the gradient of some tokens of a head; the first begins a group of lanes.
  func sum(_ head: Int, _ range: Range<Int>) {
    guard let storage else { return }
    let channels = shape[1]
    let offset = range.lowerBound * channels + head * blocks.depth
    ctk_sum_lanes(
      storage.gradient.scalars.baseAddress.map { $0 + offset }, channels,
      lanes(head, part: 0, token: range.lowerBound), parts, blocks.lanesLength(tokens), range.count,
      blocks.depth, factor)
  }
}
