internal import CTensorKernels

extension Attention {
  /// The gradients at queries, keys and values; the probabilities are computed again from the statistics, piece by piece.
  ///
  /// With P the probabilities, O the output and dO the upstream gradient: dV = Pᵀ dO, dP = dO Vᵀ,
  /// dS = P ∘ (dP − rowsum(O ∘ dO)), dQ = scale dS K, dK = scale dSᵀ Q. A piece is some queries and some keys of a head;
  /// what several pieces add to the same gradient is summed last, in their order.
  ///
  /// - Parameters:
  ///   - output: what the attention returned.
  ///   - statistics: what it noted about each query.
  func pullback(
    _ upstream: Tensor, query: Variable, key: Variable, value: Variable, output: Tensor,
    statistics: TensorStorage
  ) -> [Tensor?] {
    let blocks = blocks(query: query.value, key: key.value, value: value.value)
    let dQuery = Lanes(blocks, tokens: blocks.queries, parts: blocks.keyParts, isWanted: query.isTracked)
    let dKey = Lanes(blocks, tokens: blocks.keys, parts: blocks.queryParts, isWanted: key.isTracked)
    let dValue = Lanes(blocks, tokens: blocks.keys, parts: blocks.queryParts, isWanted: value.isTracked)
    return withScratch(dQuery.count + dKey.count + dValue.count) { lanes in
      let (dq, dk, dv) = (lanes, lanes + dQuery.count, lanes + dQuery.count + dKey.count)
      Parallel.forEach(blocks.pieceCount) { index in
        let piece = blocks.piece(index)
        let (column, firstQuery, firstKey) = (
          piece.head * blocks.depth, piece.queries.lowerBound, piece.keys.lowerBound
        )
        let (row, keyRow) = (firstQuery * channels + column, firstKey * channels + column)
        let length = ctk_attention_vjp_scratch(piece.queries.count, blocks.depth)
        withScratch(length) { scratch in
          ctk_attend_vjp(
            dQuery.address(in: dq, piece.head, piece.keyPart, firstQuery),
            dKey.address(in: dk, piece.head, piece.queryPart, firstKey),
            dValue.address(in: dv, piece.head, piece.queryPart, firstKey),
            query.value.address(row), key.value.address(keyRow), value.value.address(keyRow),
            output.address(row), upstream.address(row), channels,
            statistics.scalars.baseAddress.map { $0 + 2 * piece.head * blocks.queries + firstQuery },
            blocks.queries,
            piece.queries.count, piece.keys.count, blocks.depth, scale,
            isCausal ? firstQuery + 1 - firstKey : piece.keys.count, scratch)
        }
      }
      return [
        dQuery.sum(dq, channels: channels, factor: scale), dKey.sum(dk, channels: channels, factor: scale),
        dValue.sum(dv, channels: channels, factor: 1),
      ]
    }
  }

  /// How the parts of a gradient lie: heads x parts x tokens in lanes.
  private struct Lanes {
    let blocks: AttentionBlocks
    let tokens: Int
    let parts: Int
    let isWanted: Bool

    init(_ blocks: AttentionBlocks, tokens: Int, parts: Int, isWanted: Bool) {
      self.blocks = blocks
      self.tokens = tokens
      self.parts = parts
      self.isWanted = isWanted
    }

    private var length: Int { blocks.lanesLength(tokens) }

    /// The number of scalars.
    var count: Int { isWanted ? blocks.heads * parts * length : 0 }

    /// The first lanes of a token, which begins a group.
    func address(
      in base: UnsafeMutablePointer<Float>, _ head: Int, _ part: Int, _ token: Int
    ) -> UnsafeMutablePointer<Float>? {
      isWanted ? base + (head * parts + part) * length + token * blocks.depth : nil
    }

    /// The gradient: tokens x channels.
    func sum(_ base: UnsafePointer<Float>, channels: Int, factor: Float) -> Tensor? {
      guard isWanted else { return nil }
      return Tensor(shape: [tokens, channels]) { gradient in
        guard let gradient = gradient.baseAddress else { return }
        let grain = AttentionBlocks.rowsPerBlock
        let ranges = (tokens + grain - 1) / grain
        Parallel.forEach(blocks.heads * ranges) { index in
          let (head, range) = index.quotientAndRemainder(dividingBy: ranges)
          let first = range * grain
          ctk_sum_lanes(
            gradient + first * channels + head * blocks.depth, channels,
            base + head * parts * length + first * blocks.depth, parts, length, min(grain, tokens - first),
            blocks.depth, factor)
        }
      }
    }
  }
}
