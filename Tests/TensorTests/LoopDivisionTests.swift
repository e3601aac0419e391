import Testing

@testable import Tensor

@Suite("The division of loops, counted") struct LoopDivisionTests {
  @Test(
    "a thread that is free takes the next piece",
    arguments: [
      ([3, 1, 1, 1], 1, 6), ([3, 1, 1, 1], 2, 3), ([1, 1, 1, 3], 2, 4), ([1, 1, 1], 2, 2), ([2, 2], 64, 2),
      ([], 4, 0),
    ] as [([Double], Int, Double)])
  func span(pieces: [Double], threads: Int, seconds: Double) {
    #expect(LoopDivision.span(of: pieces, threads: threads) == seconds)
  }

  @Test("every piece runs once, and equal pieces divide evenly as far as they go")
  func counting() {
    let clock = ContinuousClock()
    var hits = [Int](repeating: 0, count: 8)
    let (result, division) = hits.withUnsafeMutableBufferPointer { hits in
      nonisolated(unsafe) let hits = hits
      return LoopDivision.counting(threads: [1, 4, 64]) {
        Parallel.forEach(8) { index in
          hits[index] += 1
          let end = clock.now + .milliseconds(2)
          while clock.now < end {}
        }
        return 5
      }
    }
    #expect(result == 5 && hits == [Int](repeating: 1, count: 8))
    #expect(division.seconds[0] > division.seconds[1] && division.seconds[1] > division.seconds[2])
    #expect(division.shareOfIdeal(0) == 1 && division.shareOfIdeal(2) < 0.2)
  }
}
