import CTensorKernels
import Foundation
import TestSupport
import Testing

/// A processor level that this machine supports.
struct Level: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let table: ctk_table

  static let available: [Level] = [
    ("portable", ctk_level_portable), ("AVX2", ctk_level_avx2), ("AVX-512", ctk_level_avx512),
  ].compactMap { name, level in ctk_table_of(level).map { Level(testDescription: name, table: $0.pointee) } }
}

@Suite("Kernels at each processor level") struct KernelLevelTests {
  @Test("the best available level is in use")
  func bestLevel() {
    let best = [ctk_level_avx512, ctk_level_avx2, ctk_level_portable].first { ctk_table_of($0) != nil }
    #expect(ctk_current_level() == best)
  }

  @Test(
    "the exponential is accurate to 1.2e-7, and is zero, infinite or NaN outside its range",
    arguments: Level.available)
  func exponentials(level: Level) throws {
    let x = (0...20_000).map { -86.7 + Float($0) * (175.4 / 20_000) } + [0, 1e-30, -1e-30]
    let y = run(level.table.exponentials, x)
    let error = try #require(zip(x, y).map { abs(Double($1) / exp(Double($0)) - 1) }.max())
    #expect(error < 1.2e-7)

    let ends = run(level.table.exponentials, [-.infinity, -1e30, -100, 89, .infinity, .nan])
    #expect(ends[0...2] == [0, 0, 0] && ends[3...4] == [.infinity, .infinity] && ends[5].isNaN)
  }

  @Test("activations are accurate to single precision, also where they are tiny", arguments: Level.available)
  func activations(level: Level) throws {
    let x = (0...1600).map { -8 + Float($0) * 0.01 }
    func distribution(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
    let cases: [(Unary?, (Double) -> Double)] = [
      (level.table.silu, { $0 / (1 + exp(-$0)) }), (level.table.quick_gelu, { $0 / (1 + exp(-1.702 * $0)) }),
      (level.table.gelu, { $0 * distribution($0) }), (level.table.relu, { max(0, $0) }),
    ]
    for (kernel, exact) in cases {
      for (x, y) in zip(x, run(kernel, x)) {
        // In the tails the argument of the exponential is itself rounded.
        let allowed = abs(x) < 2 ? 4e-7 : 1.5e-6
        #expect(abs(Double(y) - exact(Double(x))) <= allowed * abs(exact(Double(x))) + 1e-15, "at \(x)")
      }
    }
  }

  @Test("activations propagate NaN, infinity and the sign of zero", arguments: Level.available)
  func activationEnds(level: Level) throws {
    let table = level.table
    for kernel in [table.silu, table.gelu, table.quick_gelu] {
      let y = run(kernel, [.nan, .infinity, -1e30, 1e30, 0, -0.0])
      #expect(
        y[0].isNaN && y[1] == .infinity && y[2] == 0 && y[3] == 1e30 && y[4] == 0 && y[5].sign == .minus)
    }
    for kernel in [table.silu_vjp, table.gelu_vjp, table.quick_gelu_vjp] {
      let y = run(kernel, [.nan, -1e4, 1e4, 0], [1, 1, 1, 1])
      #expect(y[0].isNaN && y[1] == 0 && y[2] == 1 && abs(y[3] - 0.5) < 1e-7)
    }
  }

  @Test("numbers are rounded to the nearest half-precision number, ties to even", arguments: Level.available)
  func narrowing(level: Level) throws {
    // All half-precision numbers, the midpoints to the next, their neighbors, and arbitrary numbers.
    var bits = (0...UInt16.max).flatMap { half -> [UInt32] in
      let value = Float(Float16(bitPattern: half)).bitPattern
      let middle = value &+ 0x1000
      return [value, middle, middle &- 1, middle &+ 1]
    }
    var random = SplitMix(seed: 3)
    bits += (0..<100_000).map { _ in UInt32(truncatingIfNeeded: random.next()) }
    let numbers = bits.map { Float(bitPattern: $0) }
    var (half, brain) = ([UInt16](repeating: 0, count: bits.count), [UInt16](repeating: 0, count: bits.count))
    level.table.narrow_f16(&half, numbers, bits.count)
    level.table.narrow_bf16(&brain, numbers, bits.count)
    for (index, number) in numbers.enumerated() {
      let (found, wanted) = (Float16(bitPattern: half[index]), Float16(number))
      #expect(found.isNaN ? wanted.isNaN : found.bitPattern == wanted.bitPattern)
      let wide = Float(bitPattern: UInt32(brain[index]) << 16)
      guard number.isFinite else {
        #expect(number.isNaN ? wide.isNaN : wide == number)
        continue
      }
      // The adjacent bfloat16 numbers of the same sign.
      let below = UInt32(bits[index] >> 16)
      let (low, high) = (Float(bitPattern: below << 16), Float(bitPattern: (below &+ 1) << 16))
      let (toLow, toHigh) = (Double(number) - Double(low), Double(high) - Double(number))
      let tie = abs(toLow) == abs(toHigh)
      let isUp = tie ? below & 1 == 1 : abs(toHigh) < abs(toLow)
      if high.isFinite { #expect(brain[index] == UInt16(truncatingIfNeeded: isUp ? below &+ 1 : below)) }
    }
  }

  @Test("every half-precision number is widened exactly", arguments: Level.available)
  func widening(level: Level) throws {
    let bits = (0...UInt16.max).map { $0 }
    var (half, brain) = ([Float](repeating: 0, count: bits.count), [Float](repeating: 0, count: bits.count))
    level.table.widen_f16(&half, bits, bits.count)
    level.table.widen_bf16(&brain, bits, bits.count)
    let wrong = bits.count { bits in
      let sign: Float = bits >> 15 == 0 ? 1 : -1
      let (exponent, fraction) = (Int(bits >> 10 & 31), Float(bits & 1023))
      let y = half[Int(bits)]
      switch exponent {
      case 0: return y != sign * fraction * 0x1p-24 || y.sign != sign.sign
      case 31: return fraction == 0 ? y != sign * .infinity : !y.isNaN
      default: return y != sign * Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
      }
    }
    #expect(wrong == 0)
    #expect(bits.allSatisfy { brain[Int($0)].bitPattern == UInt32($0) << 16 })
  }

  @Test(
    "softmax rows of any length sum to one, without writes outside",
    arguments: Level.available)
  func softmaxRows(level: Level) throws {
    for columns in 1...67 {
      let (rows, stride, scale) = (3, columns + 2, Float(0.7))
      let x = numbers(rows * stride, seed: columns).map { 5 * $0 }
      var y = x
      level.table.softmax_rows(&y, rows, columns, stride, scale)
      for row in 0..<rows {
        let expected = softmax(x[row * stride..<row * stride + columns].map { Double($0) * Double(scale) })
        for (i, p) in expected.enumerated() {
          #expect(abs(Double(y[row * stride + i]) - p) < 1e-6 * p + 1e-9)
        }
        #expect(
          y[row * stride + columns..<(row + 1) * stride] == x[row * stride + columns..<(row + 1) * stride])
      }
    }
  }

  @Test(
    "softmax handles large, equal and infinitely negative numbers; NaN makes its row NaN",
    arguments: Level.available)
  func softmaxEnds(level: Level) throws {
    var x: [Float] = [1e30, -1e30, 0, 7, 7, 7, -.infinity, 3, -.infinity, 1, .nan, 2, -.nan, 5, 5]
    level.table.softmax_rows(&x, 5, 3, 3, 1)
    #expect(x[0..<3] == [1, 0, 0])
    #expect(x[3..<6].allSatisfy { abs($0 - 1 / 3) < 1e-7 })
    #expect(x[6..<9] == [0, 1, 0])
    #expect(x[9..<15].allSatisfy { $0.isNaN })
  }

  @Test("causal softmax excludes all later columns", arguments: Level.available)
  func causalSoftmax(level: Level) throws {
    for (rows, columns, first) in [(1, 1, 0), (5, 9, 0), (5, 9, 4), (7, 4, 0), (3, 40, 20), (4, 6, -2)] {
      let x = numbers(rows * columns, seed: rows)
      var y = x
      level.table.causal_softmax_rows(&y, rows, columns, columns, 1.5, first)
      for row in 0..<rows {
        let seen = max(0, min(columns, first + row + 1))
        let expected = softmax(x[row * columns..<row * columns + seen].map { Double($0) * 1.5 })
        for i in 0..<columns {
          #expect(abs(Double(y[row * columns + i]) - (i < seen ? expected[i] : 0)) < 1e-6)
        }
      }
    }
  }

  @Test("gradient of softmax rows", arguments: Level.available)
  func softmaxGradient(level: Level) throws {
    for columns in 1...67 {
      let (rows, stride, scale) = (2, columns + 1, 0.3)
      let p = (0..<rows).flatMap { (row: Int) -> [Float] in
        softmax(numbers(columns, seed: row).map(Double.init)).map { Float($0) } + [9]
      }
      let dp = numbers(rows * stride, seed: 100 + columns)
      var y = dp
      level.table.softmax_vjp_rows(&y, p, rows, columns, stride, Float(scale))
      for row in 0..<rows {
        let at = row * stride
        var sum = 0.0
        for i in at..<at + columns { sum += Double(dp[i]) * Double(p[i]) }
        for i in at..<at + columns {
          let expected = scale * Double(p[i]) * (Double(dp[i]) - sum)
          #expect(abs(Double(y[i]) - expected) < 3e-7)
        }
        #expect(y[at + columns] == dp[at + columns])
      }
    }
  }

  @Test(
    "rows are filled with bias, residual, both or zeros, without writes outside",
    arguments: Level.available)
  func filledRows(level: Level) throws {
    let (rows, columns, stride, residualStride) = (3, 21, 23, 25)
    let bias = numbers(columns, seed: 1)
    let residual = numbers(rows * residualStride, seed: 2)
    let table = level.table
    for (hasBias, hasResidual) in [(false, false), (true, false), (false, true), (true, true)] {
      var y = [Float](repeating: 7, count: rows * stride)
      table.fill_rows(
        &y, hasBias ? bias : nil, hasResidual ? residual : nil, rows, columns, stride, residualStride)
      for (i, number) in y.enumerated() {
        let (row, column) = i.quotientAndRemainder(dividingBy: stride)
        let expected =
          column >= columns
          ? 7 : (hasBias ? bias[column] : 0) + (hasResidual ? residual[row * residualStride + column] : 0)
        #expect(number == expected)
      }
    }
  }

  @Test("extremes are found at any position, and NaN propagates", arguments: Level.available)
  func extremes(level: Level) throws {
    let table = level.table
    for count in [1, 2, 15, 16, 17, 64, 67, 130] {
      for place in 0..<count {
        var x = numbers(count, seed: count).map { abs($0) - 20 }
        x[place] = 3
        #expect(table.maximum(x, count) == 3)
        x[place] = -.infinity
        #expect(table.minimum(x, count) == -.infinity)
        x[place] = place.isMultiple(of: 2) ? .nan : -.nan
        #expect(table.maximum(x, count).isNaN && table.minimum(x, count).isNaN)
      }
    }
  }

  @Test("the largest magnitude is found at any position and with any sign", arguments: Level.available)
  func largestMagnitude(level: Level) {
    for count in [1, 2, 31, 32, 33, 64, 67, 130] {
      for place in 0..<count {
        var halves = (0..<count).map { UInt16($0) | ($0.isMultiple(of: 2) ? 0x8000 : 0) }
        var singles = (0..<count).map { UInt32($0) | ($0.isMultiple(of: 2) ? 0x8000_0000 : 0) }
        halves[place] = 0xfc01
        singles[place] = 0xff80_0001
        #expect(level.table.largest_magnitude_16(halves, count) == 0x7c01)
        #expect(level.table.largest_magnitude_32(singles, count) == 0x7f80_0001)
      }
    }
    #expect(level.table.largest_magnitude_16(nil, 0) == 0 && level.table.largest_magnitude_32(nil, 0) == 0)
  }

  @Test("levels agree for every length", arguments: Level.available)
  func agreement(level: Level) throws {
    let portable = try #require(ctk_table_of(ctk_level_portable)).pointee
    let table = level.table
    for count in 0...67 {
      let (x, y) = (numbers(count, seed: 2 * count), numbers(count, seed: 2 * count + 1))
      for kernel in [\ctk_table.silu, \.gelu, \.quick_gelu, \.exponentials] {
        expectNear(run(table[keyPath: kernel], x), run(portable[keyPath: kernel], x))
      }
      for kernel in [\ctk_table.silu_vjp, \.gelu_vjp, \.quick_gelu_vjp, \.multiply] {
        expectNear(run(table[keyPath: kernel], x, y), run(portable[keyPath: kernel], x, y))
      }
      for (sum, expected) in [
        (table.sum(x, count), portable.sum(x, count)), (table.dot(x, y, count), portable.dot(x, y, count)),
        (table.squared_distance(x, y, count), portable.squared_distance(x, y, count)),
      ] { #expect(abs(sum - expected) < 1e-13 * Double(count + 1)) }
      expectNear(
        run({ table.combine($0, 0.3, $1, -2, $2, $3) }, x, y),
        run({ portable.combine($0, 0.3, $1, -2, $2, $3) }, x, y))
      expectNear(run({ table.combine($0, 0.3, $1, -2, $2, $3) }, x, y), zip(x, y).map { 0.3 * $0 - 2 * $1 })
    }
  }

  @Test("levels agree for norms and gates of any width", arguments: Level.available)
  func rowAgreement(level: Level) throws {
    let portable = try #require(ctk_table_of(ctk_level_portable)).pointee
    let table = level.table
    for columns in [1, 2, 7, 16, 33, 64, 67] {
      for rows in [1, 3, 4, 9] {
        let (x, dy) = (numbers(rows * columns * 2, seed: columns), numbers(rows * columns, seed: rows))
        let parameters = (0..<5).map { numbers(columns, seed: 50 + $0).map { 1 + 0.1 * $0 } }
        let (scale, shift, mean) = (parameters[0], parameters[1], parameters[2])
        func results(_ table: ctk_table) -> [[Float]] {
          let rest = [Float](repeating: 0, count: rows * columns)
          var (gate, gateGradient, norm, normGradient) = (rest, rest + rest, rest, rest)
          var (sum, squares, group, groupGradient) = (rest, rest, rest, rest)
          var (groupSum, products) = (rest, rest)
          table.geglu_rows(&gate, columns, x, rows, columns)
          table.geglu_vjp_rows(&gateGradient, x, dy, rows, columns)
          table.layer_norm_rows(&norm, x, scale, shift, rows, columns, 1e-3)
          table.layer_norm_vjp_rows(&normGradient, x, dy, scale, rows, columns, 1e-3)
          table.column_sums(&sum, &squares, x, mean, rows, columns)
          table.group_norm_rows(&group, x, mean, scale, shift, rows, columns, true)
          table.group_norm_vjp_sums(&groupSum, &products, x, dy, mean, scale, shift, rows, columns, true)
          table.group_norm_vjp_rows(
            &groupGradient, x, dy, mean, scale, shift, parameters[3], parameters[4], rows, columns, true)
          return [
            gate, gateGradient, norm, normGradient, sum, squares, group, groupGradient, groupSum, products,
          ]
        }
        for (a, b) in zip(results(table), results(portable)) { expectNear(a, b, tolerance: 1e-5) }
      }
    }
  }
}

typealias Unary = @convention(c) (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void

private func run(_ kernel: Unary?, _ x: [Float]) -> [Float] {
  var y = [Float](repeating: .nan, count: x.count)
  kernel?(&y, x, x.count)
  return y
}

private func run(
  _ kernel: ((UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int) -> Void)?,
  _ x: [Float], _ y: [Float]
) -> [Float] {
  var z = [Float](repeating: .nan, count: x.count)
  kernel?(&z, x, y, x.count)
  return z
}

private func expectNear(
  _ a: [Float], _ b: [Float], tolerance: Float = 1e-6, sourceLocation: SourceLocation = #_sourceLocation
) {
  let apart = zip(a, b).contains { !(abs($0 - $1) <= tolerance * max(1, abs($1))) }
  #expect(a.count == b.count && !apart, sourceLocation: sourceLocation)
}

private func softmax(_ x: [Double]) -> [Double] {
  let e = x.map { exp($0 - (x.max() ?? 0)) }
  let sum = e.reduce(0, +)
  return e.map { $0 / sum }
}

/// Returns pseudorandom numbers between -2 and 2.
private func numbers(_ count: Int, seed: Int) -> [Float] {
  (0..<count).map { 2 * sin(Float($0 * 7 + seed * 13) * 1.7 + Float(seed)) }
}
