import Tensor
import TestSupport
import Testing

@Suite("Random numbers") struct RandomSourceTests {
  @Test("a seed gives PyTorch's numbers in successive calls", arguments: Primitives.golden.random)
  func golden(sequence: Primitives.RandomSequence) {
    var source = RandomSource(seed: sequence.seed)
    for call in sequence.calls {
      let numbers = source.normal(shape: [call.count]).scalars
      let worst = zip(call.places, call.numbers).map { abs(numbers[$0] - $1) }.max() ?? .infinity
      #expect(worst < 1e-5, "seed \(sequence.seed), \(call.count) numbers")
    }
  }

  @Test("the shape does not change the numbers")
  func shape() {
    var (a, b) = (RandomSource(seed: 5), RandomSource(seed: 5))
    #expect(a.normal(shape: [4, 3, 5]).scalars == b.normal(shape: [60]).scalars)
  }

  @Test("a copy continues from the state of the original")
  func copy() {
    var original = RandomSource(seed: 6)
    _ = original.normal(shape: [3])
    var copy = original
    #expect(original.normal(shape: [5]) == copy.normal(shape: [5]))
  }
}
