internal import Foundation

/// A generator of normally distributed numbers that reproduces PyTorch's CPU generator.
///
/// A source with a given seed produces the numbers of `torch.manual_seed(seed)` followed by `torch.randn`, so that
/// published seeds produce the same pictures. The numbers agree up to the last few bits; PyTorch's own results differ
/// as much between processors.
public struct RandomSource: Sendable {
  private var twister: MersenneTwister

  /// The second number of the last pair, returned by the next call; used only for tensors with fewer than 16 elements.
  private var spare: Double?

  /// Creates a source in the state after `torch.manual_seed(seed)`.
  public init(seed: UInt64) { twister = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed)) }

  /// Returns the next normally distributed numbers, with mean 0 and variance 1, in row-major order.
  public mutating func normal(shape: [Int]) -> Tensor {
    Tensor(shape: shape) { numbers in
      if numbers.count < 16 {
        for i in numbers.indices { numbers[i] = Float(nextNormal()) }
      } else {
        fill(numbers)
      }
    }
  }

  /// Fills `numbers` with uniformly distributed numbers and transforms them to normally distributed ones in blocks of
  /// 16.
  ///
  /// If the count is not a multiple of 16, the last 16 numbers are generated again, as PyTorch does.
  private mutating func fill(_ numbers: UnsafeMutableBufferPointer<Float>) {
    for i in numbers.indices { numbers[i] = nextUniform() }
    for start in stride(from: 0, through: numbers.count - 16, by: 16) {
      formNormal(UnsafeMutableBufferPointer(rebasing: numbers[start..<start + 16]))
    }
    guard !numbers.count.isMultiple(of: 16) else { return }
    let last = UnsafeMutableBufferPointer(rebasing: numbers.suffix(16))
    for i in last.indices { last[i] = nextUniform() }
    formNormal(last)
  }

  /// Transforms 16 uniformly distributed numbers to 8 pairs of normally distributed ones (Box and Muller 1958); the two
  /// numbers of a pair are 8 positions apart.
  private func formNormal(_ numbers: UnsafeMutableBufferPointer<Float>) {
    for i in 0..<8 {
      let radius = (-2 * log(1 - numbers[i])).squareRoot()
      let angle = Float(2 * Double.pi * Double(numbers[i + 8]))
      numbers[i] = radius * cos(angle)
      numbers[i + 8] = radius * sin(angle)
    }
  }

  /// Returns the next number of a short tensor: the same transform in double precision; keeps the second number of the
  /// pair.
  private mutating func nextNormal() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    let angle = 2 * Double.pi * nextDouble()
    let radius = (-2 * log1p(-nextDouble())).squareRoot()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Returns 24 random bits as a number in 0..<1.
  private mutating func nextUniform() -> Float { Float(twister.next() & 0xff_ffff) * 0x1p-24 }

  /// Returns 53 random bits as a number in 0..<1.
  private mutating func nextDouble() -> Double {
    let high = UInt64(twister.next())
    let bits = high << 32 | UInt64(twister.next())
    return Double(bits & (1 << 53 - 1)) * 0x1p-53
  }
}

/// The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998).
private struct MersenneTwister: Sendable {
  private static let length = 624
  private static let offset = 397

  private var state: [UInt32]
  private var position = length

  init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(Self.length)
    for i in 1..<Self.length {
      let previous = state[i - 1]
      state.append(1_812_433_253 &* (previous ^ previous >> 30) &+ UInt32(i))
    }
  }

  mutating func next() -> UInt32 {
    if position == Self.length { renew() }
    var word = state[position]
    position += 1
    word ^= word >> 11
    word ^= word << 7 & 0x9d2c_5680
    word ^= word << 15 & 0xefc6_0000
    return word ^ word >> 18
  }

  private mutating func renew() {
    for i in 0..<Self.length {
      let joined = state[i] & 0x8000_0000 | state[(i + 1) % Self.length] & 0x7fff_ffff
      state[i] = state[(i + Self.offset) % Self.length] ^ joined >> 1 ^ (joined & 1 == 0 ? 0 : 0x9908_b0df)
    }
    position = 0
  }
}
