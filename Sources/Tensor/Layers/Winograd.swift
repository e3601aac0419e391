internal import CTensorKernels

/// A 3x3 convolution of stride 1 and padding 1 by minimal filtering, F(4x4, 3x3): a quarter of the direct product's
/// multiplications (Lavin and Gray 2015, arXiv 1509.09308).
///
/// The map is divided into tiles of 4x4 pixels. Each becomes 36 frequencies (`ctk_winograd_input`), in which the
/// convolution is a product over the channels. Kernels are transformed at every call, some channels at a time, so that
/// they stay in the second cache: kept, they would take eight times the memory of a half-precision weight.
struct Winograd {
  /// Gives 3x3 kernels as taps x channels x 16 outputs: the address of the first tap, and the distance of the others.
  typealias Kernels = (
    _ panel: Int, _ channels: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int)

  /// Gives a rectangle of the input: the address of its first pixel, and the distance of its rows.
  ///
  /// Pixels follow each other.
  typealias Input = (
    _ rows: Range<Int>, _ columns: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, rowStride: Int)

  private static let side = 4
  private static let inputSide = 6
  private static let frequencies = 36
  private static let tilesPerBlock = 64
  private static let piecesPerThread = 8
  private static let outputsPerBlock = ProductTiling.columnUnit
  /// As many as the second cache has room for: the kernels of a block take 295 kB.
  private static let channelsPerBlock = 2048 / outputsPerBlock
  /// Scalars between the frequencies of a block, so that they do not fall on the same lines of a cache.
  private static let gap = 16
  /// The most scalars in the transformed input of the tiles that are computed at a time.
  private static let inputLimit = 5 << 20

  private let height: Int
  private let width: Int
  private let channels: Int
  private let outputs: Int
  private let kernels: Kernels

  /// Whether a convolution over a map of this size is faster this way.
  static func pays(height: Int, width: Int, channels: Int, outputs: Int) -> Bool {
    let tiles = tileCount(height) * tileCount(width)
    return channels.isMultiple(of: PackedMatrix.panelWidth) && outputs.isMultiple(of: PackedMatrix.panelWidth)
      && tiles >= 4
  }

  /// A convolution of a map of height x width x channels.
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

  /// The convolution of a tensor plus addends.
  ///
  /// - Returns: height x width x outputs.
  func callAsFunction(_ x: Tensor, adding addends: LayerAddends) -> Tensor {
    let (channels, width) = (channels, width)
    return callAsFunction(adding: addends) { rows, columns, scratch in
      guard let first = x.address((rows.lowerBound * width + columns.lowerBound) * channels) else {
        return (UnsafePointer(scratch), 0)
      }
      return (first, width * channels)
    }
  }

  /// The convolution of an input plus addends.
  ///
  /// - Returns: height x width x outputs.
  func callAsFunction(adding addends: LayerAddends, _ input: Input) -> Tensor {
    Tensor(shape: [height, width, outputs]) { y in
      guard let y = y.baseAddress else { return }
      write(to: y, offset: addends.offset?.address(), residual: addends.residual?.address(), input)
    }
  }

  /// Writes the convolution of an input plus addends.
  ///
  /// - Parameters:
  ///   - y: memory for height x width x outputs.
  ///   - offset: one number per output.
  ///   - residual: lies like `y`, or is `y`.
  func write(
    to y: UnsafeMutablePointer<Float>, offset: UnsafePointer<Float>?, residual: UnsafePointer<Float>?,
    _ input: Input
  ) {
    let tiles = Self.tileCount(height) * tilesAcross
    let scalarsPerTile = Self.frequencies * channels
    // Small blocks cost more transforms of kernels, large ones leave threads idle. The result does not depend on them.
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

  /// Some tiles, and where their frequencies lie: for some channels after the other, frequencies x tiles x channels.
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

    /// The first scalar of some channels.
    func offset(_ block: Int) -> Int {
      frequencies * (tiles.count * block * channelsPerBlock + block * gap)
    }

    /// The distance of the frequencies.
    func stride(_ block: Int) -> Int { tiles.count * channels(block).count + gap }
  }

  /// The frequencies of the input, for some tiles side by side at a time.
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
      // The first of 6x6 pixels lies one above and one to the left of the output tile.
      let (top, left) = (Self.side * tileRow - 1, Self.side * tileColumn - 1)
      let rows = max(0, top)..<min(height, top + Self.inputSide)
      let columns = max(0, left)..<min(width, left + Self.side * tiles.count + 2)
      withScratch(longest) { scratch in
        let (base, rowStride) = input(rows, columns, scratch)
        for tile in tiles {
          let column = left + Self.side * (tile - tiles.lowerBound)
          // Outside of the rectangle nothing is read.
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

  /// Tiles that lie side by side in one row, at most `most` of them.
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

  /// The products of the frequencies, and back to pixels.
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
