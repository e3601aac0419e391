extension Tensor {
  /// Adds `other`, number by number.
  public static func += (sum: inout Tensor, other: Tensor) {
    precondition(sum.shape == other.shape, "\(sum.shape) + \(other.shape)")
    other.withScalars { other in
      sum.withMutableScalars { sum in
        for i in 0..<sum.count { sum[i] += other[i] }
      }
    }
  }
}
