import TestSupport
import Testing

@testable import Tensor

@Suite("Linear layer") struct LinearTests {
  struct Case: CustomTestStringConvertible, Sendable {
    /// The shape of the input without its last axis.
    let rows: [Int]
    let inputs: Int
    let outputs: Int

    var rowCount: Int { rows.reduce(1, *) }
    var inputShape: [Int] { rows + [inputs] }
    var outputShape: [Int] { rows + [outputs] }
    var testDescription: String { "\(inputShape) to \(outputs)" }

    /// Returns x Wᵀ + bias + residual.
    func reference(_ x: [Double], _ parameters: Parameters) -> [Double] {
      let weight = naiveTranspose(parameters.weight.doubles, rows: outputs, columns: inputs)
      var y = naiveProduct(x, weight, rows: rowCount, depth: inputs, columns: outputs)
      let (bias, residual) = (parameters.bias?.doubles, parameters.residual?.doubles)
      for i in y.indices { y[i] += (bias?[i % outputs] ?? 0) + (residual?[i] ?? 0) }
      return y
    }
  }

  struct Parameters {
    let weight: Tensor
    let bias: Tensor?
    let residual: Tensor?

    init(_ test: Case, hasBias: Bool, hasResidual: Bool) {
      weight = .random([test.outputs, test.inputs], seed: 21)
      bias = hasBias ? .random([test.outputs], seed: 22) : nil
      residual = hasResidual ? .random(test.outputShape, seed: 23) : nil
    }

    func apply(_ x: Variable) -> Variable {
      Linear(weight: weight, bias: bias)(x, adding: residual.map { Variable($0) })
    }
  }

  static let small = [
    Case(rows: [1], inputs: 1, outputs: 1), Case(rows: [1], inputs: 5, outputs: 3),
    Case(rows: [4], inputs: 1, outputs: 7), Case(rows: [3], inputs: 7, outputs: 1),
    Case(rows: [2, 3], inputs: 9, outputs: 17), Case(rows: [], inputs: 5, outputs: 4),
    Case(rows: [17], inputs: 16, outputs: 33),
  ]

  /// Cases with several tiles: along the rows, along the outputs, and along the rows of a result wider than it is high.
  static let tiled = [
    Case(rows: [150], inputs: 130, outputs: 131), Case(rows: [20], inputs: 400, outputs: 300),
    Case(rows: [13, 40], inputs: 7, outputs: 600),
  ]

  static let addends = [(false, false), (true, false), (false, true), (true, true)]

  @Test("value and gradient, with and without bias and residual", arguments: small)
  func agreement(of test: Case) {
    for (hasBias, hasResidual) in Self.addends {
      let parameters = Parameters(test, hasBias: hasBias, hasResidual: hasResidual)
      expectAgreement(
        of: parameters.apply, at: .random(test.inputShape, seed: 24),
        with: { test.reference($0, parameters) }, "bias: \(hasBias), residual: \(hasResidual)")
    }
  }

  @Test(
    "the fused gated GELU equals the GELU of the product",
    arguments: [(1, 3, 8), (300, 70, 192), (5, 300, 64)])
  func geglu(rows: Int, inputs: Int, outputs: Int) {
    let layer = Linear(
      weight: .random([outputs, inputs], seed: 26), bias: .random([outputs], seed: 27))
    let x = Tensor.random([rows, inputs], seed: 28)
    let upstream = Tensor.random([rows, outputs / 2], seed: 29)
    #expect(layer.geglu(Variable(x)).value == layer(Variable(x)).geglu().value)
    #expect(
      vectorJacobianProduct(of: layer.geglu, at: x, upstream: upstream)
        == vectorJacobianProduct(of: { layer($0).geglu() }, at: x, upstream: upstream))
  }

  @Test("value and gradient over several tiles", arguments: tiled)
  func tiles(of test: Case) {
    #expect(ProductTiling(rows: test.rowCount, columns: test.outputs, depth: test.inputs).count > 1)
    let parameters = Parameters(test, hasBias: true, hasResidual: true)
    let x = Tensor.random(test.inputShape, seed: 24)
    expectClose(
      parameters.apply(Variable(x)).value,
      Tensor(rounding: test.reference(x.doubles, parameters), shape: test.outputShape), relative: 2e-6)
    let upstream = Tensor.random(test.outputShape, seed: 25)
    let gradient = naiveProduct(
      upstream.doubles, parameters.weight.doubles, rows: test.rowCount, depth: test.outputs,
      columns: test.inputs)
    expectClose(
      vectorJacobianProduct(of: parameters.apply, at: x, upstream: upstream),
      Tensor(rounding: gradient, shape: test.inputShape), relative: 2e-6, "gradient")
  }

  @Test("for a zero input every row equals the bias, in any tile")
  func biasOfZeros() {
    let bias = Tensor.random([300], seed: 1)
    let y = Linear(weight: .random([300, 400]), bias: bias)(Tensor(zeros: [20, 400]))
    for row in 0..<20 { #expect(y[row] == bias) }
  }

  @Test("the gradient of a residual is unchanged, also if the residual is the input")
  func residual() {
    let layer = Linear(weight: .random([6, 6]), bias: .random([6], seed: 2))
    let (x, upstream) = (Tensor.random([5, 6], seed: 3), Tensor.random([5, 6], seed: 4))
    let atResidual = vectorJacobianProduct(
      of: { layer(Variable(x), adding: $0) }, at: .random([5, 6]), upstream: upstream)
    #expect(atResidual == upstream)
    let atInput = vectorJacobianProduct(of: { layer($0) }, at: x, upstream: upstream)
    let atBoth = vectorJacobianProduct(of: { layer($0, adding: $0) }, at: x, upstream: upstream)
    #expect(atBoth == atInput + upstream)
  }

  @Test("tensors and variables give the same result")
  func tensors() {
    let layer = Linear(weight: .random([3, 8]), bias: .random([3], seed: 2))
    let x = Tensor.random([4, 8], seed: 3)
    #expect(layer(x) == layer(Variable(x)).value)
    #expect(layer.inputs == 8 && layer.outputs == 3)
  }

  @Test("an input without rows gives no rows")
  func empty() {
    let layer = Linear(weight: .random([3, 8]), bias: .random([3], seed: 2))
    #expect(layer(Tensor(zeros: [0, 8])).shape == [0, 3])
  }
}
