internal import DiffusionCore
public import Tensor

/// A region of a picture, from the run-length encoding of benchmarks: runs of pixels in row-major order.
public struct RunLengthMask: Sendable, Equatable {
  /// The number of columns.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// Whether each pixel is in the region, in row-major order.
  public private(set) var pixels: [Bool]

  /// Creates a region from a flat list with the start and length of each run.
  ///
  /// A run that reaches beyond the last pixel ends there, as in PIE-Bench's decoder; one that starts beyond it is empty.
  /// Runs may overlap.
  ///
  /// - Parameters:
  ///   - runs: The start and length of each run, in pixels.
  ///   - width: The number of columns, above 0.
  ///   - height: The number of rows, above 0.
  /// - Throws: `InputError(.malformed)` if a start has no length, or a number is negative.
  public init(runs: [Int], width: Int, height: Int) throws {
    precondition(width > 0 && height > 0, "a mask of \(width) x \(height) pixels")
    guard runs.count.isMultiple(of: 2) else {
      throw InputError(
        .malformed,
        "The mask has \(runs.count) numbers, but each run needs a start and a length, so the number must be even."
      )
    }
    guard !runs.contains(where: { $0 < 0 }) else {
      throw InputError(.malformed, "The mask has a run with a negative start or length.")
    }
    self.width = width
    self.height = height
    pixels = [Bool](repeating: false, count: width * height)
    for i in stride(from: 0, to: runs.count, by: 2) where runs[i] < pixels.count {
      let end = runs[i] + min(runs[i + 1], pixels.count - runs[i])
      for pixel in runs[i]..<end { pixels[pixel] = true }
    }
  }

  private init(width: Int, height: Int, pixels: [Bool]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The number of pixels in the region.
  public var pixelCount: Int { pixels.count(where: \.self) }

  /// Returns the region with the outermost pixels on all four sides added, as in PIE-Bench.
  ///
  /// PIE-Bench adds them because annotations are unreliable there.
  public func framed() -> RunLengthMask {
    var result = self
    for x in 0..<width {
      result.pixels[x] = true
      result.pixels[(height - 1) * width + x] = true
    }
    for y in 0..<height {
      result.pixels[y * width] = true
      result.pixels[y * width + width - 1] = true
    }
    return result
  }

  /// Returns the complement of the region.
  public func inverted() -> RunLengthMask {
    RunLengthMask(width: width, height: height, pixels: pixels.map { !$0 })
  }

  /// Returns the region after its picture was cropped and resized.
  ///
  /// A pixel of the result is in the region if at least half of the source pixels that it covers are; the covered area is
  /// rounded to whole pixels.
  func prepared(crop: PixelRect, width newWidth: Int, height newHeight: Int) -> RunLengthMask {
    precondition(crop.fits(width: width, height: height), "the crop \(crop) of \(width) x \(height) pixels")
    func span(_ index: Int, of count: Int, start: Int, length: Int) -> Range<Int> {
      let low = start + index * length / count
      return low..<max(low + 1, start + (index + 1) * length / count)
    }
    var result = [Bool]()
    result.reserveCapacity(newWidth * newHeight)
    for y in 0..<newHeight {
      let rows = span(y, of: newHeight, start: crop.y, length: crop.height)
      for x in 0..<newWidth {
        let columns = span(x, of: newWidth, start: crop.x, length: crop.width)
        let covered = rows.reduce(0) { sum, row in
          sum + columns.count { pixels[row * width + $0] }
        }
        result.append(2 * covered >= rows.count * columns.count)
      }
    }
    return RunLengthMask(width: newWidth, height: newHeight, pixels: result)
  }

  /// The region as a mask for `ImageMetrics`: height x width, 1 inside and 0 outside.
  public var tensor: Tensor { Tensor(pixels.map { $0 ? 1 : 0 }, shape: [height, width]) }
}
