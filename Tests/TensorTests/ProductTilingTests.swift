import Testing

@testable import Tensor

@Suite("Tiles of a product") struct ProductTilingTests {
  @Test(
    "cover every number once, and are several where there is much to do",
    arguments: [
      (1, 1, 1, false), (64, 128, 128, false), (16, 1536, 192, true), (256, 512, 64, true),
      (4096, 320, 320, true), (77, 1280, 768, true), (1000, 70, 70, true),
    ])
  func cover(rows: Int, columns: Int, depth: Int, isCut: Bool) {
    let tiling = ProductTiling(rows: rows, columns: columns, depth: depth)
    #expect((tiling.count > 1) == isCut)
    var hits = [Int](repeating: 0, count: rows * columns)
    for tile in 0..<tiling.count {
      let (down, across) = tiling.ranges(tile)
      for row in down { for column in across { hits[row * columns + column] += 1 } }
    }
    #expect(hits.allSatisfy { $0 == 1 })
  }
}
