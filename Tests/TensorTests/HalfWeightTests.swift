import Foundation
import TestSupport
import Testing

@testable import Tensor

/// Layers with half-precision weights must give exactly the results of layers whose weights were widened first.
@Suite("Half-precision weights") struct HalfWeightTests {
  private struct Weights {
    let half: WeightSource
    let wide: WeightSource
    let widened: WeightSource
    let tensor: Tensor

    init(_ shape: [Int], _ format: ScalarFormat, seed: UInt64) {
      let patterns = Tensor.random(shape, seed: seed).scalars.map { number in
        switch format {
        case .float16: UInt16(truncatingIfNeeded: Weights.float16(number))
        default: UInt16(number.bitPattern >> 16)
        }
      }
      tensor = Tensor(
        patterns.map { format == .float16 ? Weights.number($0) : Float(bitPattern: UInt32($0) << 16) },
        shape: shape)
      let rowLength = shape.dropFirst().reduce(1, *)
      func source(savesMemory: Bool) -> WeightSource {
        WeightSource(shape: shape, format: format, savesMemory: savesMemory) { rows, body in
          try patterns.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { try body(base + rows.lowerBound * rowLength * 2) }
          }
        }
      }
      half = source(savesMemory: true)
      widened = source(savesMemory: false)
      wide = WeightSource(tensor)
    }

    /// Returns a normal half-precision number near `x`, rounded toward zero.
    private static func float16(_ x: Float) -> UInt32 {
      let bits = x.bitPattern
      let exponent = Int(bits >> 23 & 255) - 112
      guard exponent > 0 else { return bits >> 16 & 0x8000 }
      return bits >> 16 & 0x8000 | UInt32(exponent) << 10 | bits >> 13 & 1023
    }

    private static func number(_ half: UInt16) -> Float {
      guard half & 0x7fff != 0 else { return half == 0 ? 0 : -0.0 }
      return Float(
        sign: half >> 15 == 0 ? .plus : .minus, exponent: Int(half >> 10 & 31) - 25,
        significand: Float(1024 + (half & 1023)))
    }
  }

  /// Depths of several blocks, and sizes that are not multiples of the panel width.
  @Test(
    "linear layers, value and gradient",
    arguments: [ScalarFormat.float16, .bfloat16],
    [(3, 5, 7), (70, 96, 600), (40, 333, 270)])
  func linear(format: ScalarFormat, size: (rows: Int, outputs: Int, inputs: Int)) throws {
    let weights = Weights([size.outputs, size.inputs], format, seed: 1)
    let layers = try [weights.half, weights.widened, weights.wide].map { try Linear(weight: $0) }
    let x = Tensor.random([size.rows, size.inputs], seed: 2)
    let upstream = Tensor.random([size.rows, size.outputs], seed: 3)
    let values = layers.map { $0(x) }
    let gradients = layers.map { layer in
      vectorJacobianProduct(of: { layer($0) }, at: x, upstream: upstream)
    }
    #expect(values[0] == values[2] && values[1] == values[2])
    #expect(gradients[0] == gradients[2] && gradients[1] == gradients[2])
    expectClose(values[0], Linear(weight: weights.tensor)(x), relative: 0)
  }

  @Test(
    "convolutions with minimal filtering and with patches, value and gradient",
    arguments: [ScalarFormat.float16, .bfloat16], [(9, 32, 48), (9, 6, 40), (3, 32, 48)])
  func convolution(format: ScalarFormat, size: (side: Int, inputs: Int, outputs: Int)) throws {
    let weights = Weights([size.outputs, size.inputs, 3, 3], format, seed: 4)
    let layers = try [weights.half, weights.widened, weights.wide].map {
      try Convolution(weight: $0, bias: nil, padding: .all(1))
    }
    let x = Tensor.random([size.side, size.side, size.inputs], seed: 5)
    let upstream = Tensor.random([size.side, size.side, size.outputs], seed: 6)
    let values = layers.map { $0(Variable(x)).value }
    let gradients = layers.map { layer in
      vectorJacobianProduct(of: { layer($0) }, at: x, upstream: upstream)
    }
    #expect(values[0] == values[2] && values[1] == values[2])
    #expect(gradients[0] == gradients[2] && gradients[1] == gradients[2])
  }

  @Test("an error of the weight source is thrown")
  func failure() {
    struct Unreadable: Error {}
    let source = WeightSource(shape: [40, 8], format: .float16, savesMemory: true) { rows, _ in
      if rows.lowerBound > 0 { throw Unreadable() }
    }
    #expect(throws: Unreadable.self) { try Linear(weight: source) }
  }
}
