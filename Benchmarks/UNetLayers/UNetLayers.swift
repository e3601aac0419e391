import Benchmark
import Tensor

/// A layer of one shape with its input.
private struct Layer {
  let input: Tensor
  let evaluate: (Variable) -> Variable
}

/// Registers benchmarks of a layer's forward pass, its forward and backward pass, and its products by cblas_sgemm.
private func compare(_ name: String, with products: @escaping () -> [Product], _ make: @escaping () -> Layer)
{
  _ = Benchmark("\(name) forward") { benchmark, layer in
    for _ in benchmark.scaledIterations { blackHole(layer.evaluate(Variable(layer.input)).value) }
  } setup: {
    make()
  }
  _ = Benchmark("\(name) forward and backward") { benchmark, layer in
    let target = Tensor(zeros: layer.evaluate(Variable(layer.input)).shape)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      blackHole(
        valueAndGradient(at: layer.input) { layer.evaluate($0).meanSquaredError(to: target) }.gradient)
    }
  } setup: {
    make()
  }
  guard !products().isEmpty else { return }
  _ = Benchmark("\(name) sgemm") { benchmark, products in
    var products = products
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      for index in products.indices { products[index].multiply() }
    }
  } setup: {
    products()
  }
}

private func random(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
  var source = RandomSource(seed: seed)
  return source.normal(shape: shape)
}

private func compareLinear() {
  for (rows, inputs, outputs) in Shapes.linear {
    compare(
      "Linear \(rows) x \(inputs) to \(outputs)",
      with: { [Product(rows: rows, columns: outputs, depth: inputs)] },
      {
        let layer = Linear(weight: random([outputs, inputs]), bias: random([outputs]))
        return Layer(input: random([rows, inputs])) { layer($0) }
      })
  }
}

private func compareConvolutions() {
  for (side, inputs, outputs, kernel, stride) in Shapes.convolutions {
    let result = side / stride
    compare(
      "Convolution \(kernel)x\(kernel) \(stride == 1 ? "" : "stride \(stride) ")\(side)x\(side) \(inputs) to \(outputs)",
      with: { [Product(rows: result * result, columns: outputs, depth: kernel * kernel * inputs)] },
      {
        let layer = Convolution(
          weight: random([outputs, inputs, kernel, kernel]), bias: random([outputs]), stride: stride,
          padding: .all(kernel / 2))
        return Layer(input: random([side, side, inputs])) { layer($0) }
      })
  }
}

private func compareAttention() {
  let heads = 8
  for (side, channels) in Shapes.levels {
    for (name, keys) in [("Self-attention", side * side), ("Cross-attention", 77)] {
      compare(
        "\(name) \(side)x\(side) \(channels)",
        with: {
          let (queries, width) = (side * side, channels / heads)
          return [
            Product(rows: queries, columns: keys, depth: width, count: heads),
            Product(rows: queries, columns: width, depth: keys, count: heads),
          ]
        },
        {
          let attention = Attention(heads: heads, channels: channels)
          let (query, value) = (random([side * side, channels]), random([keys, channels], seed: 2))
          return Layer(input: random([keys, channels])) { key in
            attention(query: Variable(query), key: key, value: Variable(value))
          }
        })
    }
  }
}

private func compareGroupNorms() {
  for (side, channels) in Shapes.groupNorms {
    compare(
      "GroupNorm \(side)x\(side) \(channels)", with: { [] },
      {
        let norm = GroupNorm(
          scale: random([channels]), shift: random([channels], seed: 2), groups: 32, epsilon: 1e-5)
        return Layer(input: random([side, side, channels])) { norm($0, thenSiLU: true) }
      })
  }
}

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock], timeUnits: .microseconds, warmupIterations: 1, maxDuration: .milliseconds(500),
    maxIterations: 20)
  compareLinear()
  compareConvolutions()
  compareAttention()
  compareGroupNorms()
}
