/// The division of an attention's scores into blocks: some queries of one head, with all keys.
struct AttentionBlocks {
  let queries: Int
  let keys: Int
  let heads: Int

  /// The number of channels of a head.
  let depth: Int

  let rowsPerBlock: Int

  init(queries: Int, keys: Int, heads: Int, depth: Int) {
    self.queries = queries
    self.keys = keys
    self.heads = heads
    self.depth = depth
    // About a megabyte of scores a block.
    rowsPerBlock = min(queries, max(64, (1 << 18) / keys))
  }

  var blocksPerHead: Int { (queries + rowsPerBlock - 1) / rowsPerBlock }

  var count: Int { heads * blocksPerHead }

  func part(_ index: Int) -> (head: Int, rows: Range<Int>) {
    let (head, block) = index.quotientAndRemainder(dividingBy: blocksPerHead)
    return (head, rows(block))
  }

  func rows(_ block: Int) -> Range<Int> { block * rowsPerBlock..<min(queries, (block + 1) * rowsPerBlock) }
}
