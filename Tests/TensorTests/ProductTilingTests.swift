import Testing

@testable import Tensor

@Suite("Tiles of a product") struct ProductTilingTests {
  @Test(
    "tiles cover every element once, and large products have several",
    arguments: [
      (1, 1, 1, false), (64, 64, 64, false), (64, 128, 128, true), (16, 1536, 192, true),
      (256, 512, 64, true),
      (4096, 320, 320, true), (77, 1280, 768, true), (1000, 70, 70, true),
    ])
  func cover(rows: Int, columns: Int, depth: Int, isCut: Bool) {
    let tiling = ProductTiling(rows: rows, columns: columns, depth: depth, wanted: 48)
    #expect((tiling.count > 1) == isCut)
    var hits = [Int](repeating: 0, count: rows * columns)
    for tile in 0..<tiling.count {
      let (down, across) = tiling.ranges(tile)
      for row in down { for column in across { hits[row * columns + column] += 1 } }
    }
    #expect(hits.allSatisfy { $0 == 1 })
  }

  @Test(
    "the number of tiles increases with the number requested if there is enough work, and tiles begin at whole panels",
    arguments: [1, 8, 64, 1000])
  func threads(wanted: Int) {
    let few = ProductTiling(rows: 256, columns: 1280, depth: 1280, wanted: wanted)
    let more = ProductTiling(rows: 256, columns: 1280, depth: 1280, wanted: 2 * wanted)
    #expect(few.count <= more.count)
    #expect(
      (0..<few.count).allSatisfy { few.ranges($0).columns.lowerBound.isMultiple(of: PackedMatrix.panelWidth) }
    )
    #expect(ProductTiling(rows: 8, columns: 64, depth: 64, wanted: wanted).count == 1)
  }

  @Test(
    "blocks of the depth are consecutive, begin at multiples of 16 and have about equal length",
    arguments: [1, 15, 320, 333, 640, 1000, 5120])
  func depth(_ depth: Int) {
    let blocks = Array(ProductTiling.depthBlocks(depth))
    #expect(blocks.first?.lowerBound == 0 && blocks.last?.upperBound == depth)
    #expect(zip(blocks, blocks.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    #expect(blocks.allSatisfy { $0.lowerBound.isMultiple(of: 16) && $0.count <= ProductTiling.depthAtATime })
    let lengths = blocks.map(\.count)
    #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 31)
  }
}
