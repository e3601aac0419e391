import TestSupport
import Testing

@testable import Tensor

@Suite("Tape") struct TapeTests {
  @Test("a variable used twice sums both gradients")
  func reuse() {
    let x = Tensor.random([9])
    let (value, gradient) = valueAndGradient(at: x) { x in
      let y = x.silu()
      return (y * x + y).dot(Tensor(repeating: 1, shape: [9]))
    }
    let silu = Variable(x).silu().value
    #expect(abs(value - (silu * x + silu).sum) < 1e-5)
    let slope = valueAndGradient(at: x) { $0.silu().dot(Tensor(repeating: 1, shape: [9])) }.gradient
    expectClose(gradient, slope * x + silu + slope, relative: 1e-6)
  }

  @Test("the gradient passes through a long chain of operations")
  func chain() {
    let gradient = valueAndGradient(at: Tensor([1], shape: [])) { x in
      (0..<20).reduce(x) { y, _ in 1.1 * y + x }
    }.gradient
    // y₂₀ = x (1.1²⁰ + 1.1¹⁹ + … + 1)
    let expected = (0...20).reduce(0) { sum, _ in sum * 1.1 + 1 } as Double
    #expect(abs(Double(gradient.scalars[0]) - expected) < 1e-4)
  }

  @Test("operations on constants record nothing and release their pullbacks")
  func constants() {
    final class Witness {}
    weak var kept: Witness?
    let x = Variable(.random([4]))
    let y = {
      let witness = Witness()
      kept = witness
      return Variable.recorded(x.value, from: [x]) { [witness] upstream in
        withExtendedLifetime(witness) { [upstream] }
      }
    }()
    #expect(!y.isTracked && kept == nil)
    #expect(!(x + x).isTracked && !x.silu().isTracked && !x.softmax().isTracked)
  }

  @Test("results that depend on a tracked variable are tracked")
  func tracking() {
    _ = valueAndGradient(at: .random([4])) { x in
      let constant = Variable(.random([4]))
      #expect(
        x.isTracked && x.gelu().isTracked && (constant * x).isTracked && !(constant * constant).isTracked)
      return x.dot(constant.value)
    }
  }

  @Test("the gradient of an independent result is zero")
  func independent() {
    let (value, gradient) = valueAndGradient(at: .random([2, 3])) { _ in
      Variable(.random([5])).meanSquaredError(to: .random([5], seed: 2))
    }
    #expect(value > 0 && gradient == Tensor(zeros: [2, 3]))
    let dropped = valueAndGradient(at: .random([2, 3])) { x in
      _ = x.silu()
      return Variable(Tensor([1], shape: []))
    }
    #expect(dropped.gradient == Tensor(zeros: [2, 3]))
  }

  @Test("the gradient of the variable itself is one")
  func identity() {
    let (value, gradient) = valueAndGradient(at: Tensor([7], shape: [])) { $0 }
    #expect(value == 7 && gradient.scalars == [1])
  }

  @Test("an error of the function is rethrown")
  func throwing() {
    struct Refusal: Error {}
    #expect(throws: Refusal.self) {
      _ = try valueAndGradient(at: .random([1])) { _ throws(Refusal) in throw Refusal() }
    }
  }

  @Test("recomputation gives the same gradients for each input")
  func recomputation() {
    let (x, y) = (Tensor.random([9], seed: 1), Tensor.random([9], seed: 2))
    let weights = Tensor.random([9], seed: 3)
    func block(_ inputs: [Variable]) -> Variable { (inputs[0] * inputs[1]).silu() + inputs[2] * inputs[0] }
    func gradient(_ apply: ([Variable]) -> Variable) -> Tensor {
      valueAndGradient(at: x) { x in
        // One input is tracked, one is constant, and one is tracked and also used outside.
        let z = x.gelu()
        return (apply([x, Variable(y), z]) * z).dot(weights)
      }.gradient
    }
    expectClose(gradient { .recomputed(from: $0, block) }, gradient(block), relative: 1e-6)
    expectClose(
      gradient { .recomputed(from: $0) { .recomputed(from: $0, block) } }, gradient(block), relative: 1e-6)
  }

  @Test("recomputation runs the function twice, or once if no gradient is computed")
  func recomputationCount() {
    final class Calls { var count = 0 }
    let calls = Calls()
    let (_, gradient) = valueAndPullback(at: Tensor([3], shape: [])) { x in
      .recomputed(from: [x]) { inputs in
        calls.count += 1
        return inputs[0] + inputs[0]
      }
    }
    #expect(calls.count == 1)
    #expect(gradient().scalars == [2])
    #expect(calls.count == 2)
    #expect(!Variable.recomputed(from: [Variable(.random([2]))], { $0[0].silu() }).isTracked)
  }

  @Test("recomputation keeps no activations of the first run")
  func recomputationMemory() {
    func peak(_ recomputes: Bool) -> Int {
      TensorMemory.measuringPeak {
        valueAndGradient(at: Tensor.random([1 << 14])) { x in
          var y = x
          for _ in 0..<8 {
            func block(_ inputs: [Variable]) -> Variable {
              (0..<8).reduce(inputs[0]) { y, _ in y.silu() }
            }
            y = recomputes ? .recomputed(from: [y], block) : block([y])
          }
          return y.dot(x.value)
        }
      }.peak
    }
    let map = 4 << 14
    // Without recomputation: the inputs of 64 activations; with it: those of 8 blocks, and of the activations of one
    // block.
    #expect(peak(false) >= 64 * map)
    #expect(peak(true) < 24 * map)
  }
}
