import TestSupport
import Testing

@testable import Tensor

@Suite("Convolution") struct ConvolutionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let height: Int
    let width: Int
    let inputs: Int
    let outputs: Int
    let kernel: Int
    let stride: Int
    let padding: Convolution.Padding

    init(
      _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1,
      padding: Convolution.Padding = .all(1)
    ) {
      self.height = height
      self.width = width
      self.inputs = inputs
      self.outputs = outputs
      self.kernel = kernel
      self.stride = stride
      self.padding = padding
    }

    var inputShape: [Int] { [height, width, inputs] }
    var outputShape: [Int] { [length(height), length(width), outputs] }
    func length(_ side: Int) -> Int { (side + padding.leading + padding.trailing - kernel) / stride + 1 }

    var testDescription: String {
      "\(inputShape) to \(outputs), kernel \(kernel), stride \(stride), padding \(padding.leading) \(padding.trailing)"
    }

    /// Calls `body` with the offsets of output, input and weight for each product of the definition.
    func forEachProduct(_ body: (_ y: Int, _ x: Int, _ w: Int) -> Void) {
      for row in 0..<outputShape[0] {
        for column in 0..<outputShape[1] {
          for down in 0..<kernel {
            for right in 0..<kernel {
              let (i, j) = (row * stride - padding.leading + down, column * stride - padding.leading + right)
              guard (0..<height).contains(i), (0..<width).contains(j) else { continue }
              for o in 0..<outputs {
                for c in 0..<inputs {
                  body(
                    (row * outputShape[1] + column) * outputs + o, (i * width + j) * inputs + c,
                    ((o * inputs + c) * kernel + down) * kernel + right)
                }
              }
            }
          }
        }
      }
    }

    func reference(_ x: [Double], _ parameters: Parameters) -> [Double] {
      let weight = parameters.weight.doubles
      var y = [Double](repeating: 0, count: outputShape.reduce(1, *))
      forEachProduct { at, from, tap in y[at] += x[from] * weight[tap] }
      let residual = parameters.residual?.doubles
      let offsets = [parameters.bias, parameters.offset].compactMap { $0?.doubles }
      for i in y.indices { y[i] += offsets.reduce(residual?[i] ?? 0) { $0 + $1[i % outputs] } }
      return y
    }

    func gradient(_ upstream: [Double], _ parameters: Parameters) -> [Double] {
      let weight = parameters.weight.doubles
      var dx = [Double](repeating: 0, count: inputShape.reduce(1, *))
      forEachProduct { at, from, tap in dx[from] += upstream[at] * weight[tap] }
      return dx
    }
  }

  /// An addend of a convolution.
  enum Addend: CaseIterable { case bias, offset, residual }

  struct Parameters {
    let weight: Tensor
    let bias: Tensor?
    let offset: Tensor?
    let residual: Tensor?
    let convolution: Convolution

    init(_ test: Case, _ addends: Set<Addend>) {
      weight = .random([test.outputs, test.inputs, test.kernel, test.kernel], seed: 31)
      bias = addends.contains(.bias) ? .random([test.outputs], seed: 32) : nil
      offset = addends.contains(.offset) ? .random([test.outputs], seed: 33) : nil
      residual = addends.contains(.residual) ? .random(test.outputShape, seed: 34) : nil
      convolution = Convolution(weight: weight, bias: bias, stride: test.stride, padding: test.padding)
    }

    func apply(_ x: Variable) -> Variable {
      convolution(x, adding: residual.map { Variable($0) }, channelOffset: offset)
    }
  }

  static let small =
    [1, 2].flatMap { stride in
      [Convolution.Padding.all(0), .all(1), .init(leading: 0, trailing: 1)].flatMap { padding in
        [
          Case(5, 4, 2, 3, stride: stride, padding: padding),
          Case(4, 3, 2, 3, kernel: 1, stride: stride, padding: padding),
        ]
      }
    } + [
      Case(1, 1, 1, 1), Case(1, 7, 3, 1), Case(7, 1, 1, 2, stride: 2), Case(3, 2, 17, 1),
      Case(2, 2, 1, 33, padding: .init(leading: 0, trailing: 1)),
      Case(1, 1, 5, 4, kernel: 1, padding: .all(0)),
      Case(7, 6, 1, 1, kernel: 5, stride: 3, padding: .init(leading: 2, trailing: 1)),
    ]

  @Test("value and gradient for several kernels, strides and paddings", arguments: small)
  func agreement(of test: Case) {
    let parameters = Parameters(test, [.bias])
    expectAgreement(
      of: parameters.apply, at: .random(test.inputShape, seed: 35),
      with: { test.reference($0, parameters) })
    #expect(parameters.convolution.outputLength(test.height) == test.outputShape[0])
  }

  @Test(
    "bias, channel offset and residual are added in any combination",
    arguments: [Case(3, 4, 2, 5), Case(3, 4, 2, 5, kernel: 1, padding: .all(0)), Case(5, 4, 2, 3, stride: 2)])
  func addends(of test: Case) {
    for choice in 0..<8 {
      let addends = Addend.allCases.enumerated().filter { choice >> $0.offset & 1 == 1 }.map(\.element)
      let parameters = Parameters(test, Set(addends))
      expectAgreement(
        of: parameters.apply, at: .random(test.inputShape, seed: 35),
        with: { test.reference($0, parameters) }, "\(addends)")
    }
  }

  /// Blocks of rows with and without a remainder, blocks of a large map, and two tiles of channels.
  static let tiled = [
    Case(15, 15, 3, 5), Case(31, 33, 2, 3, stride: 2, padding: .init(leading: 0, trailing: 1)),
    Case(29, 29, 1, 2), Case(8, 8, 40, 40), Case(30, 29, 2, 3, kernel: 1, stride: 2, padding: .all(0)),
  ]

  @Test("value and gradient over several blocks of rows and tiles of channels", arguments: tiled)
  func tiles(of test: Case) {
    let parameters = Parameters(test, [.bias, .offset, .residual])
    let grid = PatchGrid(parameters.convolution, height: test.height, width: test.width)
    #expect(grid.tileCount > 1)
    expectAgreementByLoops(test, parameters)
  }

  /// Sides that are multiples of four and not, one row of tiles, several blocks of tiles, of channels and of outputs.
  static let minimal = [
    Case(8, 8, 16, 16), Case(9, 7, 32, 16), Case(5, 14, 16, 48), Case(3, 17, 80, 32), Case(35, 33, 16, 32),
    Case(6, 6, 144, 160),
  ]

  @Test("value and gradient with minimal filtering", arguments: minimal)
  func minimalFiltering(of test: Case) {
    #expect(
      Winograd.pays(height: test.height, width: test.width, channels: test.inputs, outputs: test.outputs))
    expectAgreementByLoops(test, Parameters(test, [.bias, .offset, .residual]), relative: 1e-5)
  }

  /// Minimal filtering with one and with several runs of tiles in a row, and patches.
  static let formed = [Case(9, 13, 32, 16), Case(6, 70, 144, 16), Case(5, 4, 6, 3)]

  @Test(
    "a convolution with a group norm equals the convolution of the norm's result, value and gradient",
    arguments: formed)
  func normalizing(test: Case) {
    let parameters = Parameters(test, [.bias, .offset, .residual])
    let x = Tensor.random(test.inputShape, seed: 41)
    let upstream = Tensor.random(test.outputShape, seed: 42)
    let norm = GroupNorm(
      scale: .random([test.inputs], seed: 43), shift: .random([test.inputs], seed: 44), groups: 2,
      epsilon: 1e-5)
    let residual = parameters.residual.map { Variable($0) }
    for thenSiLU in [false, true] {
      let fused = { (x: Variable) in
        parameters.convolution(
          normalizing: x, by: norm, thenSiLU: thenSiLU, adding: residual, channelOffset: parameters.offset)
      }
      let plain = { (x: Variable) in parameters.apply(norm(x, thenSiLU: thenSiLU)) }
      #expect(fused(Variable(x)).value == plain(Variable(x)).value)
      #expect(
        vectorJacobianProduct(of: fused, at: x, upstream: upstream)
          == vectorJacobianProduct(of: plain, at: x, upstream: upstream))
    }
  }

  @Test(
    "a convolution with upsampling equals the convolution of the upsampled map, value and gradient",
    arguments: formed)
  func upsampling(test: Case) {
    let convolution = Parameters(test, [.bias]).convolution
    let x = Tensor.random([(test.height + 1) / 2, (test.width + 1) / 2, test.inputs], seed: 45)
    let upstream = Tensor.random(test.outputShape, seed: 46)
    let fused = { (x: Variable) in convolution(upsampling: x, toHeight: test.height, width: test.width) }
    let plain = { (x: Variable) in convolution(x.upsampled(toHeight: test.height, width: test.width)) }
    #expect(fused(Variable(x)).value == plain(Variable(x)).value)
    #expect(
      vectorJacobianProduct(of: fused, at: x, upstream: upstream)
        == vectorJacobianProduct(of: plain, at: x, upstream: upstream))
  }

  @Test(
    "a large input that is transformed in parts gives the expected result"
  )
  func minimalFilteringInParts() {
    // The input is so large that it is transformed in two parts; the kernels copy channel c, shifted by one pixel.
    let (height, width, channels) = (112, 180, 128)
    var kernel = [Float](repeating: 0, count: 16 * channels * 9)
    for o in 0..<16 { kernel[(o * channels + 5 * o) * 9 + 3] = 1 }
    let convolution = Convolution(
      weight: Tensor(kernel, shape: [16, channels, 3, 3]), bias: nil, padding: .all(1))
    let x = Tensor.random([height, width, channels], seed: 7)
    let y = convolution(Variable(x)).value
    let expected = Tensor(shape: [height, width, 16]) { to in
      let from = x.readOnlyScalars
      for pixel in 0..<height * width {
        for o in 0..<16 { to[pixel * 16 + o] = pixel % width == 0 ? 0 : from[(pixel - 1) * channels + 5 * o] }
      }
    }
    expectClose(y, expected, relative: 2e-6)
  }

  @Test("value and gradient of a pointwise convolution over several tiles")
  func pointwiseTiles() {
    let test = Case(20, 20, 70, 80, kernel: 1, padding: .all(0))
    #expect(ProductTiling(rows: 400, columns: 80, depth: 70).count > 1)
    expectAgreementByLoops(test, Parameters(test, [.bias, .offset, .residual]))
  }

  @Test("the gradient of a residual is unchanged, also if the residual is the input", arguments: [1, 3])
  func residual(kernel: Int) {
    let test = Case(4, 5, 3, 3, kernel: kernel, padding: .all(kernel / 2))
    let convolution = Parameters(test, [.bias]).convolution
    let (x, upstream) = (Tensor.random(test.inputShape, seed: 3), Tensor.random(test.outputShape, seed: 4))
    let atResidual = vectorJacobianProduct(
      of: { convolution(Variable(x), adding: $0) }, at: .random(test.outputShape), upstream: upstream)
    #expect(atResidual == upstream)
    let atInput = vectorJacobianProduct(of: { convolution($0) }, at: x, upstream: upstream)
    let atBoth = vectorJacobianProduct(of: { convolution($0, adding: $0) }, at: x, upstream: upstream)
    #expect(atBoth == atInput + upstream)
  }

  @Test("a feature map smaller than the kernel traps")
  func smallerThanKernel() async {
    // (2 - 3) / 2 rounds to 0, which would give one output pixel.
    await #expect(processExitsWith: .failure) {
      let convolution = Convolution(
        weight: Tensor(zeros: [1, 1, 3, 3]), bias: nil, stride: 2, padding: .all(0))
      _ = convolution(Variable(Tensor(zeros: [2, 2, 1])))
    }
  }

  private func expectAgreementByLoops(_ test: Case, _ parameters: Parameters, relative: Double = 2e-6) {
    let x = Tensor.random(test.inputShape, seed: 35)
    expectClose(
      parameters.apply(Variable(x)).value,
      Tensor(rounding: test.reference(x.doubles, parameters), shape: test.outputShape), relative: relative)
    let upstream = Tensor.random(test.outputShape, seed: 36)
    expectClose(
      vectorJacobianProduct(of: parameters.apply, at: x, upstream: upstream),
      Tensor(rounding: test.gradient(upstream.doubles, parameters), shape: test.inputShape),
      relative: relative,
      "gradient")
  }
}
