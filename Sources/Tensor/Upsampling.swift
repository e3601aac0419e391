internal import CTensorKernels

extension Variable {
  /// The nearest-neighbour resize of a feature map of height x width x channels, as PyTorch's `interpolate` in mode
  /// `nearest`.
  ///
  /// - Parameters:
  ///   - newHeight: the height of the result.
  ///   - newWidth: the width of the result.
  public func upsampled(toHeight newHeight: Int, width newWidth: Int) -> Variable {
    let (height, width, channels) = value.shape3
    let rows = NearestPixels(count: height, newCount: newHeight)
    let columns = NearestPixels(count: width, newCount: newWidth)
    let x = value
    let resized = Tensor(
      shape: [newHeight, newWidth * channels],
      formingRows: { y, newRows in
        for (i, row) in newRows.enumerated() {
          let from = x.address(rows.source[row] * width * channels)
          guard let from, let to = y.map({ $0 + i * newWidth * channels }) else { continue }
          for column in 0..<newWidth {
            (to + column * channels).update(from: from + columns.source[column] * channels, count: channels)
          }
        }
      })
    return .recorded(resized.reshaped([newHeight, newWidth, channels]), from: [self]) { upstream in
      let gradient = Tensor(
        shape: [height, width * channels], rowWork: newWidth * channels * max(1, newHeight / max(height, 1)),
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
        })
      return [gradient.reshaped([height, width, channels])]
    }
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
