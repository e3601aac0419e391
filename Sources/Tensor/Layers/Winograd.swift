internal import CTensorKernels

/// A 3x3 convolution of stride 1 and padding 1 by minimal filtering F(4x4, 3x3), with a quarter of the multiplications
/// of the direct product (Lavin and Gray 2015, arXiv 1509.09308).
///
/// The map is divided into tiles of 4x4 pixels. Each is transformed to 36 frequencies (`ctk_winograd_input`), in which
/// the convolution is a product over the channels. Every call transforms the kernels again, some channels at a time, so
/// that they stay in the L2 cache; stored, they would take eight times the memory of a half-precision weight.
struct Winograd {
  /// Returns 3x3 kernels as taps × channels × 16 outputs: the address of the first tap, and the stride between taps.
  typealias Kernels = (
    _ panel: Int, _ channels: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int)

  /// Returns a rectangle of the input: the address of its first pixel, and the row stride.
  ///
  /// Pixels within a row are contiguous.
  typealias Input = (
    _ rows: Range<Int>, _ columns: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, rowStride: Int)

  private static let side = 4
  private static let inputSide = 6
  private static let frequencies = 36
  private static let tilesPerBlock = 64
  private static let piecesPerThread = 8
  private static let outputsPerBlock = ProductTiling.columnUnit
  /// Fits the L2 cache: the kernels of a block take 295 kB.
  private static let channelsPerBlock = 2048 / outputsPerBlock
  /// Unused elements between the frequencies of a block, so that they do not map to the same cache lines.
  private static let gap = 16
  /// The maximum number of elements in the transformed input of the tiles that are computed at a time.
  private static let inputLimit = 5 << 20

  private let height: Int
  private let width: Int
  private let channels: Int
  private let outputs: Int
  private let kernels: Kernels

  /// Returns whether this algorithm is faster for a map of this size.
  static func pays(height: Int, width: Int, channels: Int, outputs: Int) -> Bool {
    let tiles = tileCount(height) * tileCount(width)
    return channels.isMultiple(of: PackedMatrix.panelWidth) && outputs.isMultiple(of: PackedMatrix.panelWidth)
      && tiles >= 4
  }

  /// Creates a convolution of a map of height × width × channels.
  init(height: Int, width: Int, channels: Int, outputs: Int, kernels: @escaping Kernels) {
    self.height = height
    self.width = width
    self.channels = channels
    self.outputs = outputs
    self.kernels = kernels
  }

  private static func tileCount(_ length: Int) -> Int { (length + side - 1) / side }

  private var tilesAcross: Int { Self.tileCount(width) }

  private var outputBlocks: Int { (outputs + Self.outputsPerBlock - 1) / Self.outputsPerBlock }

  /// Returns the convolution of a tensor plus addends.
  ///
  /// - Returns: height × width × outputs.
  func callAsFunction(_ x: Tensor, adding addends: LayerAddends) -> Tensor {
    let (channels, width) = (channels, width)
    return callAsFunction(adding: addends) { rows, columns, scratch in
      guard let first = x.address((rows.lowerBound * width + columns.lowerBound) * channels) else {
        return (UnsafePointer(scratch), 0)
      }
      return (first, width * channels)
    }
  }

  /// Returns the convolution of an input plus addends.
  ///
  /// - Returns: height × width × outputs.
  func callAsFunction(adding addends: LayerAddends, _ input: Input) -> Tensor {
    Tensor(shape: [height, width, outputs]) { y in
      guard let y = y.baseAddress else { return }
      write(to: y, offset: addends.offset?.address(), residual: addends.residual?.address(), input)
    }
  }

  /// Writes the convolution of an input plus addends.
  ///
  /// - Parameters:
  ///   - y: Memory for height × width × outputs.
  ///   - offset: One number per output.
  ///   - residual: An addend with the layout of `y`; may be `y` itself.
  func write(
    to y: UnsafeMutablePointer<Float>, offset: UnsafePointer<Float>?, residual: UnsafePointer<Float>?,
    _ input: Input
  ) {
    let tiles = Self.tileCount(height) * tilesAcross
    let scalarsPerTile = Self.frequencies * channels
    // Small blocks repeat the kernel transforms more often; large ones leave threads idle. The result does not depend
    // on the size of the blocks.
    let large = (tiles + Self.tilesPerBlock - 1) / Self.tilesPerBlock
    let isCut =
      tiles >= Self.tilesPerBlock && large * outputBlocks < Self.piecesPerThread * Parallel.threadCount
    let blocks = isCut ? 2 * large : large
    let passes = (tiles * scalarsPerTile + Self.inputLimit - 1) / Self.inputLimit
    let blocksPerPass = (blocks + min(blocks, passes) - 1) / min(blocks, passes)
    let length = TileBlock.length(tiles: tiles, blocks: blocks, channels: channels)
    for first in stride(from: 0, to: blocks, by: blocksPerPass) {
      let part = (first..<min(blocks, first + blocksPerPass)).map { block in
        TileBlock(tiles: tiles * block / blocks..<tiles * (block + 1) / blocks, channels: channels)
      }
      withScratch(part.count * length) { v in
        transform(input, part, into: v, blockLength: length)
        multiply(v, part, blockLength: length, into: y, offset: offset, residual: residual)
      }
    }
  }

  /// A range of tiles and the layout of their frequencies: for each block of channels, frequencies × tiles × channels.
  private struct TileBlock {
    let tiles: Range<Int>
    let channels: Int

    static func length(tiles: Int, blocks: Int, channels: Int) -> Int {
      let most = (tiles + blocks - 1) / blocks
      let parts = (channels + channelsPerBlock - 1) / channelsPerBlock
      return frequencies * (most * channels + parts * gap)
    }

    var channelBlocks: Int { (channels + channelsPerBlock - 1) / channelsPerBlock }

    func channels(_ block: Int) -> Range<Int> {
      block * channelsPerBlock..<min(channels, (block + 1) * channelsPerBlock)
    }

    /// Returns the offset of the first element of a block of channels.
    func offset(_ block: Int) -> Int {
      frequencies * (tiles.count * block * channelsPerBlock + block * gap)
    }

    /// Returns the stride between frequencies.
    func stride(_ block: Int) -> Int { tiles.count * channels(block).count + gap }
  }

  /// Transforms the input, for some adjacent tiles at a time.
  private func transform(
    _ input: Input, _ blocks: [TileBlock], into v: UnsafeMutablePointer<Float>, blockLength: Int
  ) {
    let most = min(tilesAcross, max(1, Parallel.pieceLength / (Self.side * Self.side * channels)))
    let pieces = blocks.enumerated().flatMap { index, block in
      runs(of: block.tiles, most: most).map { (index: index, tiles: $0) }
    }
    let longest = Self.inputSide * (Self.side * most + 2) * channels
    Parallel.forEach(pieces.count) { piece in
      let (index, tiles) = pieces[piece]
      let block = blocks[index]
      let v = v + index * blockLength
      let (tileRow, tileColumn) = tiles.lowerBound.quotientAndRemainder(dividingBy: tilesAcross)
      // The 6x6 input pixels begin one pixel above and to the left of the output tile.
      let (top, left) = (Self.side * tileRow - 1, Self.side * tileColumn - 1)
      let rows = max(0, top)..<min(height, top + Self.inputSide)
      let columns = max(0, left)..<min(width, left + Self.side * tiles.count + 2)
      withScratch(longest) { scratch in
        let (base, rowStride) = input(rows, columns, scratch)
        for tile in tiles {
          let column = left + Self.side * (tile - tiles.lowerBound)
          // `corner` may point outside of the rectangle; the kernel reads only inside.
          let corner = base + (top - rows.lowerBound) * rowStride + (column - columns.lowerBound) * channels
          for part in 0..<block.channelBlocks {
            let range = block.channels(part)
            ctk_winograd_input(
              v + block.offset(part) + (tile - block.tiles.lowerBound) * range.count, block.stride(part),
              corner + range.lowerBound, rowStride, channels, rows.lowerBound - top, rows.upperBound - top,
              max(0, -column), min(Self.inputSide, width - column), range.count)
          }
        }
      }
    }
  }

  /// Returns runs of at most `most` adjacent tiles in one row.
  private func runs(of tiles: Range<Int>, most: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var first = tiles.lowerBound
    while first < tiles.upperBound {
      let end = min(tiles.upperBound, first + most, (first / tilesAcross + 1) * tilesAcross)
      runs.append(first..<end)
      first = end
    }
    return runs
  }

  /// Multiplies the frequencies and transforms the products back to pixels.
  private func multiply(
    _ v: UnsafePointer<Float>, _ blocks: [TileBlock], blockLength: Int, into y: UnsafeMutablePointer<Float>,
    offset: UnsafePointer<Float>?, residual: UnsafePointer<Float>?
  ) {
    let panelLength = Self.channelsPerBlock * PackedMatrix.panelWidth
    let uStride = Self.channelsPerBlock * Self.outputsPerBlock + Self.gap
    let mLength = Self.frequencies * (Self.tilesPerBlock * Self.outputsPerBlock + Self.gap)
    Parallel.forEach(blocks.count * outputBlocks) { index in
      let block = blocks[index / outputBlocks]
      let v = v + index / outputBlocks * blockLength
      let range =
        index % outputBlocks
        * Self.outputsPerBlock..<min(
          outputs, (index % outputBlocks + 1) * Self.outputsPerBlock)
      withScratch(Self.frequencies * uStride + mLength + 9 * panelLength) { u in
        let m = u + Self.frequencies * uStride
        let scratch = m + mLength
        let mStride = block.tiles.count * range.count + Self.gap
        for part in 0..<block.channelBlocks {
          let channels = block.channels(part)
          for (offset, panel) in PackedMatrix.panels(of: range).enumerated() {
            let (w, stride) = kernels(panel, channels, scratch)
            ctk_winograd_kernels(u + offset * panelLength, uStride, w, stride, channels.count)
          }
          for f in 0..<Self.frequencies {
            let sums = m + f * mStride
            ctk_multiply_panels(
              sums, range.count, v + block.offset(part) + f * block.stride(part), channels.count,
              u + f * uStride,
              panelLength, block.tiles.count, range.count, channels.count, nil,
              part == 0 ? nil : UnsafePointer(sums), range.count)
          }
        }
        for tile in block.tiles {
          let (row, column) = (tile / tilesAcross * Self.side, tile % tilesAcross * Self.side)
          let at = (row * width + column) * outputs + range.lowerBound
          ctk_winograd_output(
            y + at, width * outputs, outputs, m + (tile - block.tiles.lowerBound) * range.count, mStride,
            min(Self.side, height - row), min(Self.side, width - column), range.count,
            offset.map { $0 + range.lowerBound }, residual.map { $0 + at })
        }
      }
    }
  }
}
