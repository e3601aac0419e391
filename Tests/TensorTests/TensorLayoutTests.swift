import Tensor
import TestSupport
import Testing

@Suite("Tensor layout") struct TensorLayoutTests {
  @Test(
    "the transpose of a matrix exchanges its axes",
    arguments: [[1, 1], [1, 7], [7, 1], [5, 3], [33, 70], [0, 3]])
  func transpose(shape: [Int]) {
    let x = Tensor.random(shape)
    let expected = naiveTranspose(x.doubles, rows: shape[0], columns: shape[1])
    #expect(x.transposed() == Tensor(rounding: expected, shape: [shape[1], shape[0]]))
    #expect(x.transposed().transposed() == x)
  }

  @Test("channels move to the front and back", arguments: [[1, 1, 1], [2, 3, 4], [5, 1, 3], [1, 7, 2]])
  func channels(shape: [Int]) {
    let x = Tensor.random(shape)
    let (height, width, channels) = x.shape3
    let first = x.channelsFirst()
    #expect(first.shape == [channels, height, width])
    for c in 0..<channels {
      for i in 0..<height * width {
        #expect(first.scalars[c * height * width + i] == x.scalars[i * channels + c])
      }
    }
    #expect(first.channelsLast() == x)
  }

  @Test("slices are taken along the first axis and stacked along a new one")
  func parts() {
    let x = Tensor.random([4, 3, 2])
    #expect(x[1].shape == [3, 2] && x[1].scalars == Array(x.scalars[6..<12]))
    #expect(x[1..<3].shape == [2, 3, 2] && x[1..<3].scalars == Array(x.scalars[6..<18]))
    #expect(x[2..<2].shape == [0, 3, 2])
    #expect(Tensor(stacking: (0..<4).map { x[$0] }) == x)
    #expect(Tensor([4, 5], shape: [2])[1] == Tensor([5], shape: []))
  }

  @Test("the gradient of a reshaped variable has the shape of the variable")
  func reshaping() {
    expectAgreement(of: { $0.reshaped([3, 4]) }, at: .random([2, 6]), with: { $0 })
  }

  @Test("the description contains shape, mean and standard deviation in one line")
  func description() {
    let x = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(x.description == "Tensor(2x3, mean 3.5, std 1.708)")
    #expect(x.debugDescription == "Tensor(2x3, mean 3.5, std 1.708) [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]")
  }
}
