internal import CTensorKernels

/// The sizes of one attention and its division into pieces of work, which depends only on these sizes.
struct AttentionBlocks {
  let queries: Int
  let keys: Int
  let heads: Int

  /// The number of channels of a head.
  let depth: Int

  /// The number of queries in a block.
  static let rowsPerBlock: Int = ctk_attention_queries

  /// The minimum number of keys, or queries, in a piece of the backward pass.
  private static let tokensPerPiece = 128

  var blocksPerHead: Int { (queries + Self.rowsPerBlock - 1) / Self.rowsPerBlock }

  var count: Int { heads * blocksPerHead }

  func part(_ index: Int) -> (head: Int, rows: Range<Int>) {
    let (head, block) = index.quotientAndRemainder(dividingBy: blocksPerHead)
    return (head, block * Self.rowsPerBlock..<min(queries, (block + 1) * Self.rowsPerBlock))
  }

  /// The number of ranges of keys in the backward pass; each has its own sum for the gradient of the queries.
  ///
  /// 32 pieces keep many threads evenly busy.
  var keyParts: Int { Self.parts(of: keys, over: heads, pieces: 32) }

  /// The number of ranges of queries in the backward pass; each has its own sums for the gradients of keys and values.
  ///
  /// Each range packs the keys and values again, so queries are divided only if there are few keys.
  var queryParts: Int { Self.parts(of: queries, over: heads * keyParts, pieces: 16) }

  private static func parts(of tokens: Int, over count: Int, pieces: Int) -> Int {
    max(1, min(8, (pieces + count - 1) / count, tokens / tokensPerPiece))
  }

  /// The number of pieces of the backward pass.
  var pieceCount: Int { heads * keyParts * queryParts }

  func piece(_ index: Int) -> Piece {
    let (part, queryPart) = index.quotientAndRemainder(dividingBy: queryParts)
    let (head, keyPart) = part.quotientAndRemainder(dividingBy: keyParts)
    return Piece(
      head: head, keyPart: keyPart, queryPart: queryPart,
      keys: Self.range(keyPart, of: keyParts, count: keys),
      queries: Self.range(queryPart, of: queryParts, count: queries))
  }

  /// A range of keys and a range of queries of a head.
  struct Piece {
    let head: Int
    let keyPart: Int
    let queryPart: Int
    let keys: Range<Int>
    let queries: Range<Int>
  }

  /// Returns one of `parts` ranges of the tokens; it begins at a multiple of the lane count.
  private static func range(_ index: Int, of parts: Int, count: Int) -> Range<Int> {
    let lanes = ctk_attention_lanes
    let groups = (count + lanes - 1) / lanes
    return groups * index / parts * lanes..<min(count, groups * (index + 1) / parts * lanes)
  }

  /// Returns the number of elements of one head's tokens in lanes.
  func lanesLength(_ tokens: Int) -> Int {
    let lanes = ctk_attention_lanes
    return (tokens + lanes - 1) / lanes * lanes * depth
  }
}
