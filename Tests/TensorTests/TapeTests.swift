import TestSupport
import Testing

@testable import Tensor

@Suite("Tape") struct TapeTests {
  @Test("a variable used twice gathers both gradients")
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

  @Test("a long chain runs back through every link")
  func chain() {
    let gradient = valueAndGradient(at: Tensor([1], shape: [])) { x in
      (0..<20).reduce(x) { y, _ in 1.1 * y + x }
    }.gradient
    // y₂₀ = x (1.1²⁰ + 1.1¹⁹ + … + 1)
    let expected = (0...20).reduce(0) { sum, _ in sum * 1.1 + 1 } as Double
    #expect(abs(Double(gradient.scalars[0]) - expected) < 1e-4)
  }

  @Test("operations on constants record nothing and drop their way back")
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

  @Test("what follows from the point is tracked, what meets it too")
  func tracking() {
    _ = valueAndGradient(at: .random([4])) { x in
      let constant = Variable(.random([4]))
      #expect(
        x.isTracked && x.gelu().isTracked && (constant * x).isTracked && !(constant * constant).isTracked)
      return x.dot(constant.value)
    }
  }

  @Test("the gradient of something independent is zeros")
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

  @Test("the point itself has the gradient one")
  func identity() {
    let (value, gradient) = valueAndGradient(at: Tensor([7], shape: [])) { $0 }
    #expect(value == 7 && gradient.scalars == [1])
  }

  @Test("what the function throws comes out")
  func throwing() {
    struct Refusal: Error {}
    #expect(throws: Refusal.self) {
      _ = try valueAndGradient(at: .random([1])) { _ throws(Refusal) in throw Refusal() }
    }
  }
}
