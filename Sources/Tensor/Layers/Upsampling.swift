internal import CTensorKernels

extension Variable {
  /// Returns the nearest-neighbor resize of a feature map of height × width × channels.
  ///
  /// The result equals that of PyTorch's `interpolate` in mode `nearest`.
  ///
  /// - Parameters:
  ///   - newHeight: The height of the result.
  ///   - newWidth: The width of the result.
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

/// A nearest-neighbor resize of feature maps.
struct NearestResize {
  private let rows: NearestPixels
  private let columns: NearestPixels
  private let channels: Int

  /// Creates a resize of maps of `shape`: height × width × channels.
  init(of shape: [Int], toHeight newHeight: Int, width newWidth: Int) {
    precondition(shape.count == 3, "\(shape) is not height x width x channels")
    rows = NearestPixels(count: shape[0], newCount: newHeight)
    columns = NearestPixels(count: shape[1], newCount: newWidth)
    channels = shape[2]
  }

  private var newWidth: Int { columns.source.count }

  /// Writes a rectangle of the result with contiguous pixels.
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

  /// Returns the resized map.
  func result(_ x: Tensor) -> Tensor {
    Tensor(
      shape: [rows.source.count, newWidth * channels],
      formingRows: { y, newRows in
        if let y { write(rows: newRows, columns: 0..<newWidth, of: x, into: y) }
      }
    ).reshaped([rows.source.count, newWidth, channels])
  }

  /// Returns the gradient with respect to the map: each pixel sums the gradients of its copies.
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

/// The mapping from `newCount` pixels along an axis to the `count` pixels that they copy.
private struct NearestPixels {
  /// The old pixel of each new one.
  let source: [Int]

  /// The new pixels of each old one.
  let copies: [Range<Int>]

  init(count: Int, newCount: Int) {
    precondition(count > 0 && newCount > 0, "cannot resize \(count) pixels to \(newCount)")
    // As in PyTorch, the ratio is rounded to single precision before the multiplication.
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
