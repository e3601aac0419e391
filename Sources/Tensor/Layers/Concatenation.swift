internal import CTensorKernels

extension Tensor {
  /// Returns each row followed by the same row of `other`; all axes but the last must be equal.
  public func concatenated(with other: Tensor) -> Tensor {
    precondition(
      shape.dropLast() == other.shape.dropLast() && !shape.isEmpty && !other.shape.isEmpty,
      "\(shape) and \(other.shape) cannot be concatenated along the last axis")
    let (left, right) = (rowLength, other.rowLength)
    return Tensor(
      shape: shape.dropLast() + [left + right],
      formingRows: { y, rows in
        ctk_copy_rows(y, address(rows.lowerBound * left), rows.count, left, left + right, left)
        ctk_copy_rows(
          y.map { $0 + left }, other.address(rows.lowerBound * right), rows.count, right, left + right, right)
      })
  }

  /// Returns the columns `range` of each row.
  public func columns(_ range: Range<Int>) -> Tensor {
    let length = rowLength
    precondition(range.lowerBound >= 0 && range.upperBound <= length, "columns \(range) of rows of \(length)")
    return Tensor(
      shape: shape.dropLast() + [range.count],
      formingRows: { y, rows in
        let offset = rows.lowerBound * length + range.lowerBound
        ctk_copy_rows(y, address(offset), rows.count, range.count, range.count, length)
      })
  }
}

extension Variable {
  /// Returns each row followed by the same row of `other`; all axes but the last must be equal.
  public func concatenated(with other: Variable) -> Variable {
    let (left, right) = (value.rowLength, other.value.rowLength)
    let (isTracked, otherIsTracked) = (isTracked, other.isTracked)
    return Profile.measure(
      .pass(
        .concatenation, reading: value.count + other.value.count, writing: shape.dropLast() + [left + right],
        isTracked: isTracked || otherIsTracked)
    ) {
      .recorded(value.concatenated(with: other.value), from: [self, other]) { upstream in
        [
          isTracked ? upstream.columns(0..<left) : nil,
          otherIsTracked ? upstream.columns(left..<left + right) : nil,
        ]
      }
    }
  }
}
