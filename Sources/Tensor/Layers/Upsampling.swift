internal import CTensorKernels

extension Variable {
  /// The nearest-neighbour resize of a feature map of height x width x channels, as PyTorch's `interpolate` in mode
  /// `nearest`.
  ///
  /// - Parameters:
  ///   - newHeight: the height of the result.
  ///   - newWidth: the width of the result.
  public func upsampled(toHeight newHeight: Int, width newWidth: Int) -> Variable {
    Profile.measure(
      .pass(
        .upsampling, reading: value.count, writing: [newHeight, newWidth, value.shape3.2],
        isTracked: isTracked)
    ) {
      let resize = NearestResize(of: value.shape, toHeight: newHeight, width: newWidth)
      return .recorded(resize.result(value), from: [self]) { [resize.vectorJacobianProduct($0)] }
    }
  }
}

/// A nearest-neighbour resize of feature maps.
struct NearestResize {
  private let rows: NearestPixels
  private let columns: NearestPixels
  private let channels: Int

  /// A resize of maps of `shape`: height x width x channels.
  init(of shape: [Int], toHeight newHeight: Int, width newWidth: Int) {
    precondition(shape.count == 3, "\(shape) is not height x width x channels")
    rows = NearestPixels(count: shape[0], newCount: newHeight)
    columns = NearestPixels(count: shape[1], newCount: newWidth)
    channels = shape[2]
  }

  private var newWidth: Int { columns.source.count }

  /// Writes a rectangle of the result, its pixels one after the other.
  func write(
    rows newRows: Range<Int>, columns newColumns: Range<Int>, of x: Tensor,
    into y: UnsafeMutablePointer<Float>
  ) {
    for (i, row) in newRows.enumerated() {
      guard let from = x.address(rows.source[row] * columns.copies.count * channels) else { continue }
      let to = y + i * newColumns.count * channels
      for (j, column) in newColumns.enumerated() {
        (to + j * channels).update(from: from + columns.source[column] * channels, count: channels)
      }
    }
  }

  /// The resized map.
  func result(_ x: Tensor) -> Tensor {
    Tensor(
      shape: [rows.source.count, newWidth * channels],
      formingRows: { y, newRows in
        if let y { write(rows: newRows, columns: 0..<newWidth, of: x, into: y) }
      }
    ).reshaped([rows.source.count, newWidth, channels])
  }

  /// The gradient at the map: each pixel sums the gradients of its copies.
  func vectorJacobianProduct(_ upstream: Tensor) -> Tensor {
    let (height, width) = (rows.copies.count, columns.copies.count)
    return Tensor(
      shape: [height, width * channels],
      rowWork: newWidth * channels * max(1, rows.source.count / max(height, 1)),
      formingRows: { dx, oldRows in
        for (i, row) in oldRows.enumerated() {
          guard let to = dx.map({ $0 + i * width * channels }) else { continue }
          to.update(repeating: 0, count: width * channels)
          for newRow in rows.copies[row] {
            for column in 0..<newWidth {
              ctk_add(
                to + columns.source[column] * channels,
                upstream.address((newRow * newWidth + column) * channels), channels)
            }
          }
        }
      }
    ).reshaped([height, width, channels])
  }
}

/// Which of `count` pixels along an axis each of `newCount` pixels copies.
private struct NearestPixels {
  /// The old pixel of each new one.
  let source: [Int]

  /// The new pixels of each old one.
  let copies: [Range<Int>]

  init(count: Int, newCount: Int) {
    precondition(count > 0 && newCount > 0, "\(count) pixels cannot become \(newCount)")
    // PyTorch's arithmetic: the ratio is rounded to single precision before it is multiplied.
    let ratio = Float(count) / Float(newCount)
    let source = (0..<newCount).map { min(Int(Float($0) * ratio), count - 1) }
    var copies = [Range<Int>](repeating: 0..<0, count: count)
    for (new, old) in source.enumerated() {
      copies[old] = copies[old].isEmpty ? new..<new + 1 : copies[old].lowerBound..<new + 1
    }
    self.source = source
    self.copies = copies
  }
}
