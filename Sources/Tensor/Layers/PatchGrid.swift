internal import CTensorKernels

/// The patches of a convolution: the input pixels of each output pixel, and the division of the work.
struct PatchGrid {
  let height: Int
  let width: Int
  let rows: Int
  let columns: Int
  private let channels: Int
  private let outputChannels: Int
  private let size: Int
  private let stride: Int
  private let leading: Int
  private let rowsPerBlock: Int
  private let blockCount: Int
  private let channelsPerTile: Int

  init(_ convolution: Convolution, height: Int, width: Int) {
    self.height = height
    self.width = width
    rows = convolution.outputLength(height)
    columns = convolution.outputLength(width)
    channels = convolution.inputChannels
    outputChannels = convolution.outputChannels
    size = convolution.kernelSize
    stride = convolution.stride
    leading = convolution.padding.leading
    let shortest = size - convolution.padding.leading - convolution.padding.trailing
    precondition(
      min(height, width) >= max(1, shortest),
      "a feature map of \(height)x\(width) is too small for a kernel of \(size)")
    // A product reads the whole weight for each block. Large feature maps therefore get large blocks whose patches fit
    // the last-level cache, and small ones get enough blocks for at least two threads.
    let pixels = rows * columns
    let pixelsPerBlock = pixels > 768 ? min(768, max(192, (1 << 22) / (size * size * channels))) : 192
    let blocks = min(rows, (pixels + pixelsPerBlock - 1) / pixelsPerBlock)
    rowsPerBlock = (rows + blocks - 1) / blocks
    blockCount = (rows + rowsPerBlock - 1) / rowsPerBlock
    // Small feature maps are also divided by output channels: gathering patches twice costs less than an idle thread.
    let work = rows * columns * size * size * channels * outputChannels
    let shares = blockCount >= 2 || work < 1 << 19 ? 1 : 2
    channelsPerTile = min(outputChannels, max(32, ((outputChannels + shares - 1) / shares + 15) / 16 * 16))
  }

  var pixelCount: Int { rows * columns }

  private var tilesPerBlock: Int { (outputChannels + channelsPerTile - 1) / channelsPerTile }

  var tileCount: Int { blockCount * tilesPerBlock }

  func tile(_ index: Int) -> (rows: Range<Int>, channels: Range<Int>) {
    let (block, part) = index.quotientAndRemainder(dividingBy: tilesPerBlock)
    let row = block * rowsPerBlock
    let channel = part * channelsPerTile
    return (row..<min(rows, row + rowsPerBlock), channel..<min(outputChannels, channel + channelsPerTile))
  }

  private var patchLength: Int { size * size * channels }

  /// Writes the patches of the output pixels in `rows` consecutively, with zeros outside of the input.
  func gather(_ x: UnsafePointer<Float>, rows: Range<Int>, into patches: UnsafeMutablePointer<Float>) {
    var patch = patches
    for row in rows {
      for column in 0..<columns {
        let left = column * stride - leading
        for tap in 0..<size {
          let y = row * stride - leading + tap
          let run = patch + tap * size * channels
          if y < 0 || y >= height {
            run.update(repeating: 0, count: size * channels)
          } else if left >= 0 && left + size <= width {
            run.update(from: x + (y * width + left) * channels, count: size * channels)
          } else {
            for side in 0..<size {
              let column = left + side
              if column < 0 || column >= width {
                (run + side * channels).update(repeating: 0, count: channels)
              } else {
                (run + side * channels).update(from: x + (y * width + column) * channels, count: channels)
              }
            }
          }
        }
        patch += patchLength
      }
    }
  }

  /// Computes the adjoint of `gather` for the input pixels in `rows`: each becomes the sum of its copies in all
  /// patches.
  func collect(_ patches: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, rows: Range<Int>) {
    for y in rows {
      let line = x + y * width * channels
      line.update(repeating: 0, count: width * channels)
      for tap in 0..<size {
        let (row, rest) = (y + leading - tap).quotientAndRemainder(dividingBy: stride)
        guard rest == 0, y + leading - tap >= 0, row < self.rows else { continue }
        for column in 0..<columns {
          let left = column * stride - leading
          let patch = patches + (row * columns + column) * patchLength + tap * size * channels
          let first = max(0, -left)
          let last = min(size, width - left)
          guard first < last else { continue }
          ctk_add(line + (left + first) * channels, patch + first * channels, (last - first) * channels)
        }
      }
    }
  }
}
