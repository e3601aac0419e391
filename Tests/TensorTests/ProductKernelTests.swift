import CTensorKernels
import TestSupport
import Testing

@testable import Tensor

@Suite("Products with packed matrices at each processor level") struct ProductKernelTests {
  /// Returns a matrix of depth × columns in panels of 16 columns.
  private func packed(_ b: [Float], depth: Int, columns: Int) -> [Float] {
    let panels = (columns + 15) / 16
    var packed = [Float](repeating: 0, count: panels * depth * 16)
    for k in 0..<depth {
      for j in 0..<columns { packed[(j / 16 * depth + k) * 16 + j % 16] = b[k * columns + j] }
    }
    return packed
  }

  /// Every strip height and neighboring heights; complete and incomplete panels, alone and in pairs.
  @Test("products of any number of rows and columns, without writes outside", arguments: Level.available)
  func products(level: Level) {
    for rows in Array(1...16) + [29, 40] {
      for columns in [1, 15, 16, 17, 32, 35, 48] {
        let depth = 1 + (rows * 7 + columns) % 23
        let (aStride, cStride) = (depth + 3, columns + 2)
        let a = Tensor.random([rows, aStride], seed: UInt64(rows))
        let b = Tensor.random([depth, columns], seed: UInt64(columns))
        let bias = rows % 2 == 0 ? Tensor.random([columns], seed: 3) : nil
        let addend = columns % 2 == 0 ? Tensor.random([rows, cStride], seed: 4) : nil
        let panels = packed(b.scalars, depth: depth, columns: columns)

        var expected = naiveProduct(
          a.columns(0..<depth).doubles, b.doubles, rows: rows, depth: depth, columns: columns)
        for i in expected.indices {
          let (row, column) = i.quotientAndRemainder(dividingBy: columns)
          expected[i] +=
            Double(bias?.scalars[column] ?? 0) + Double(addend?.scalars[row * cStride + column] ?? 0)
        }
        var c = [Float](repeating: 7, count: rows * cStride)
        level.table.multiply_panels(
          &c, cStride, a.scalars, aStride, panels, depth * 16, rows, columns, depth, bias?.scalars,
          addend?.scalars,
          cStride)
        expectRows(c, cStride, expected, columns)

        let transposed = a.columns(0..<depth).transposed()
        if bias == nil {
          var c = [Float](repeating: 7, count: rows * cStride)
          level.table.multiply_transposed_panels(
            &c, cStride, transposed.scalars, rows, panels, depth * 16, rows, columns, depth, addend?.scalars,
            cStride)
          expectRows(c, cStride, expected, columns)
        }
      }
    }
  }

  private func expectRows(
    _ c: [Float], _ stride: Int, _ expected: [Double], _ columns: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let isRight = c.enumerated().allSatisfy { i, number in
      let (row, column) = i.quotientAndRemainder(dividingBy: stride)
      guard column < columns else { return number == 7 }
      return abs(Double(number) - expected[row * columns + column]) < 1e-5
    }
    #expect(isRight, sourceLocation: sourceLocation)
  }

  @Test(
    "an element's sum does not depend on the rows and columns computed with it", arguments: Level.available)
  func sameBytes(level: Level) {
    let (rows, columns, depth) = (43, 96, 70)
    let a = Tensor.random([rows, depth], seed: 5).scalars
    let panels = packed(Tensor.random([depth, columns], seed: 6).scalars, depth: depth, columns: columns)
    var whole = [Float](repeating: 0, count: rows * columns)
    level.table.multiply_panels(
      &whole, columns, a, depth, panels, depth * 16, rows, columns, depth, nil, nil, 0)
    for (row, panel) in [(0, 0), (13, 2), (42, 5)] {
      var part = [Float](repeating: 0, count: 16)
      level.table.multiply_panels(
        &part, 16, Array(a[row * depth..<(row + 1) * depth]), depth, Array(panels[(panel * depth * 16)...]),
        depth * 16, 1, 16, depth, nil, nil, 0)
      #expect(part == Array(whole[row * columns + panel * 16..<row * columns + panel * 16 + 16]))
    }
  }

  @Test("rows are packed into panels, tap by tap", arguments: Level.available)
  func packing(level: Level) {
    let (rows, inputs, taps) = (13, 5, 9)
    let x = (0..<16 * inputs * taps).map { Float($0) }
    var panel = [Float](repeating: -1, count: inputs * taps * 16)
    level.table.pack_rows(&panel, x, inputs * taps, rows, inputs, taps)
    var panel16 = [UInt16](repeating: 1, count: inputs * taps * 16)
    level.table.pack_rows_16(&panel16, x.map { UInt16($0) }, inputs * taps, rows, inputs, taps)
    for i in panel.indices {
      let (depth, row) = i.quotientAndRemainder(dividingBy: 16)
      let (tap, input) = depth.quotientAndRemainder(dividingBy: inputs)
      let expected = row < rows ? x[(row * inputs + input) * taps + tap] : 0
      #expect(panel[i] == expected && Float(panel16[i]) == expected)
    }
  }

  @Test("tiles are transposed, and half-precision numbers widened", arguments: Level.available)
  func transposition(level: Level) {
    let (tiles, stride, resultStride) = (3, 300, 260)
    let halves = (0..<tiles * stride).map { UInt16(truncatingIfNeeded: 0x3000 + $0 * 5) }
    func expected(_ widen: (UInt16) -> Float) -> [Float] {
      (0..<tiles * resultStride).map { i in
        let (tile, at) = i.quotientAndRemainder(dividingBy: resultStride)
        return at < 256 ? widen(halves[tile * stride + at % 16 * 16 + at / 16]) : 7
      }
    }
    func result(_ body: (inout [Float]) -> Void) -> [Float] {
      var y = [Float](repeating: 7, count: tiles * resultStride)
      body(&y)
      return y
    }
    let table = level.table
    #expect(
      result { table.transpose_tiles(&$0, resultStride, halves.map { Float($0) }, stride, tiles) }
        == expected { Float($0) })
    #expect(
      result { table.transpose_tiles_f16(&$0, resultStride, halves, stride, tiles) }
        == expected {
          Float(sign: .plus, exponent: Int($0 >> 10) - 25, significand: Float(1024 + ($0 & 1023)))
        })
    #expect(
      result { table.transpose_tiles_bf16(&$0, resultStride, halves, stride, tiles) }
        == expected { Float(bitPattern: UInt32($0) << 16) })
  }

  /// A tile inside the map, and tiles at each border.
  @Test("minimal filtering of a tile equals the convolution", arguments: Level.available)
  func winograd(level: Level) {
    let (channels, outputs) = (32, 16)
    for (firstRow, endRow, firstColumn, endColumn) in [
      (0, 6, 0, 6), (1, 6, 1, 4), (0, 3, 0, 6), (1, 2, 0, 5),
    ] {
      let x = Tensor.random([6, 6, channels], seed: 8)
      let w = Tensor.random([9, channels, outputs], seed: 9)
      let bias = Tensor.random([outputs], seed: 10)
      let addend = Tensor.random([4, 4, outputs], seed: 11)
      let (uStride, vStride, mStride) = (channels * 16 + 16, channels + 16, outputs + 16)
      var u = [Float](repeating: .nan, count: 36 * uStride)
      var v = [Float](repeating: .nan, count: 36 * vStride)
      var m = [Float](repeating: .nan, count: 36 * mStride)
      level.table.winograd_kernels(&u, uStride, w.scalars, channels * 16, channels)
      level.table.winograd_input(
        &v, vStride, x.scalars, 6 * channels, channels, firstRow, endRow, firstColumn, endColumn, channels)
      for f in 0..<36 {
        let line = naiveProduct(
          v[f * vStride..<f * vStride + channels].map(Double.init),
          u[f * uStride..<f * uStride + channels * 16].map(Double.init), rows: 1, depth: channels, columns: 16
        )
        for o in 0..<16 { m[f * mStride + o] = Float(line[o]) }
      }
      let (rows, columns) = (endRow == 6 ? 4 : 2, endColumn == 6 ? 4 : 3)
      var y = [Float](repeating: 7, count: 16 * outputs)
      level.table.winograd_output(
        &y, 4 * outputs, outputs, m, mStride, rows, columns, outputs, bias.scalars, addend.scalars)

      let (pixels, kernel) = (x.scalars, w.scalars)
      for i in y.indices {
        let (pixel, o) = i.quotientAndRemainder(dividingBy: outputs)
        let (row, column) = pixel.quotientAndRemainder(dividingBy: 4)
        guard row < rows, column < columns else {
          #expect(y[i] == 7)
          continue
        }
        var sum = Double(bias.scalars[o]) + Double(addend.scalars[i])
        for tap in 0..<9 {
          let (r, c) = (row + tap / 3, column + tap % 3)
          guard (firstRow..<endRow).contains(r), (firstColumn..<endColumn).contains(c) else { continue }
          for channel in 0..<channels {
            sum +=
              Double(pixels[(r * 6 + c) * channels + channel])
              * Double(kernel[(tap * channels + channel) * 16 + o])
          }
        }
        #expect(abs(Double(y[i]) - sum) < 1e-4)
      }
    }
  }
}
