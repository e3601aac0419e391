internal import Tensor

/// Separable bicubic resampling in integers, byte for byte equal to Pillow's.
///
/// One pass runs along the rows, then one along the columns, with 8-bit intermediate samples. The order is reversed if
/// the height shrinks by more than twice as many pixels as the width, as in Pillow from version 13 on. An output pixel
/// is the weighted mean of the input pixels under Keys' cubic kernel (a = -1/2) around its center. When the picture
/// shrinks, the kernel widens by the same factor, so that every input pixel contributes.
///
/// R. Keys, "Cubic convolution interpolation for digital image processing", 1981, equation 15.
struct BicubicResampling {
  /// The weights of one pass: for each output position, those of the input positions from `first` on.
  private struct Taps {
    var first: [Int] = []
    var count: [Int] = []
    /// `length` weights per output position, in units of 2^-22.
    var weights: [Int32] = []
    let length: Int

    init(from inputSize: Int, to outputSize: Int) {
      let scale = Double(inputSize) / Double(outputSize)
      let stretch = max(scale, 1)
      let support = 2 * stretch
      length = 2 * Int(support.rounded(.up)) + 1
      for i in 0..<outputSize {
        let center = (Double(i) + 0.5) * scale
        let start = max(0, Int(center - support + 0.5))
        let end = min(inputSize, Int(center + support + 0.5))
        var row = (start..<end).map { Self.kernel((Double($0) - center + 0.5) * (1 / stretch)) }
        let sum = row.reduce(0, +)
        if sum != 0 { row = row.map { $0 / sum } }
        first.append(start)
        count.append(row.count)
        weights += row.map { Int32($0 * Double(1 << fractionBits) + ($0 < 0 ? -0.5 : 0.5)) }
        weights += Array(repeating: 0, count: length - row.count)
      }
    }

    private static func kernel(_ x: Double) -> Double {
      let a = -0.5
      let x = abs(x)
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }

  private static let fractionBits = 22

  static func resize(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
    if image.height - height > 2 * max(image.width - width, 0) {
      return resizeRows(of: resizeColumns(of: image, to: height), to: width)
    }
    return resizeColumns(of: resizeRows(of: image, to: width), to: height)
  }

  private static func resizeRows(of image: RGBImage, to width: Int) -> RGBImage {
    guard width != image.width else { return image }
    let taps = Taps(from: image.width, to: width)
    let inputStride = 3 * image.width
    return resampled(image, width: width, height: image.height) { source, target, y in
      taps.weights.withUnsafeBufferPointer { weights in
        for x in 0..<width {
          var (r, g, b) = (half, half, half)
          var from = y * inputStride + 3 * taps.first[x]
          for k in x * taps.length..<x * taps.length + taps.count[x] {
            let weight = weights[k]
            r &+= weight &* Int32(source[from])
            g &+= weight &* Int32(source[from + 1])
            b &+= weight &* Int32(source[from + 2])
            from += 3
          }
          target[3 * x] = sample(r)
          target[3 * x + 1] = sample(g)
          target[3 * x + 2] = sample(b)
        }
      }
    }
  }

  private static func resizeColumns(of image: RGBImage, to height: Int) -> RGBImage {
    guard height != image.height else { return image }
    let taps = Taps(from: image.height, to: height)
    let stride = 3 * image.width
    return resampled(image, width: image.width, height: height) { source, target, y in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: stride) { sums in
        sums.initialize(repeating: half)
        for k in 0..<taps.count[y] {
          let weight = taps.weights[y * taps.length + k]
          let row = (taps.first[y] + k) * stride
          for i in 0..<stride { sums[i] &+= weight &* Int32(source[row + i]) }
        }
        for i in 0..<stride { target[i] = sample(sums[i]) }
      }
    }
  }

  /// Returns a picture whose row `y` is computed by `body` from the samples of `image`.
  private static func resampled(
    _ image: RGBImage, width: Int, height: Int,
    body: (_ source: UnsafeBufferPointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ y: Int) -> Void
  ) -> RGBImage {
    let bytes = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
      count = 3 * width * height
      guard let start = target.baseAddress else { return }
      image.bytes.withUnsafeBufferPointer { source in
        Parallel.forEachRange(of: height, grain: 16) { rows in
          for y in rows { body(source, start + 3 * width * y, y) }
        }
      }
    }
    return RGBImage(width: width, height: height, samples: bytes)
  }

  /// One half, so that truncation rounds to the nearest integer.
  private static let half = Int32(1) << (fractionBits - 1)

  private static func sample(_ sum: Int32) -> UInt8 { UInt8(max(0, min(255, sum >> Int32(fractionBits)))) }
}
