import Tensor
import TestSupport
import Testing

@Suite("Adam") struct AdamTests {
  @Test("each step equals PyTorch's within two units in the last place", arguments: Primitives.golden.adam)
  func golden(run: Primitives.AdamRun) {
    var adam = Adam(learningRate: 0, beta1: run.beta1, beta2: run.beta2, epsilon: run.epsilon)
    var parameters = Tensor(run.start, shape: [run.start.count])
    for (index, step) in run.steps.enumerated() {
      adam.learningRate = step.learningRate
      adam.step(&parameters, gradient: Tensor(step.gradient, shape: parameters.shape))
      #expect(adam.stepCount == index + 1)
      for (p, expected) in zip(parameters.scalars, step.parameters) {
        #expect(abs(p - expected) <= 2 * max(expected.ulp, Float(step.learningRate).ulp))
      }
    }
  }

  @Test("the first step moves each number by the learning rate against its gradient")
  func firstStep() {
    var adam = Adam(learningRate: 0.01)
    var x = Tensor(zeros: [4])
    adam.step(&x, gradient: Tensor([3, -0.5, 1e-3, 0], shape: [4]))
    expectClose(x, Tensor([-0.01, 0.01, -0.01, 0], shape: [4]), relative: 1e-4)
  }

  @Test("a copy is independent")
  func valueSemantics() {
    var first = Adam(learningRate: 0.1)
    var (x, y) = (Tensor(zeros: [3]), Tensor(zeros: [3]))
    first.step(&x, gradient: .random([3], seed: 1))
    var second = first
    y = x
    first.step(&x, gradient: .random([3], seed: 2))
    first.step(&x, gradient: .random([3], seed: 3))
    second.step(&y, gradient: .random([3], seed: 2))
    #expect(second.stepCount == 2 && first.stepCount == 3)
    second.step(&y, gradient: .random([3], seed: 3))
    #expect(x == y)
  }

  @Test("it finds the minimum of a parabola")
  func convergence() {
    let target = Tensor.random([10], seed: 4)
    var adam = Adam(learningRate: 0.05)
    var x = Tensor(zeros: [10])
    for _ in 0..<400 {
      let (_, gradient) = valueAndGradient(at: x) { $0.meanSquaredError(to: target) }
      adam.step(&x, gradient: gradient)
    }
    expectClose(x, target, relative: 1e-3)
  }
}
