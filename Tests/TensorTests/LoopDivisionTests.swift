import Testing

@testable import Tensor

@Suite("Loop division") struct LoopDivisionTests {
  @Test(
    "each free thread takes the next piece",
    arguments: [
      ([3, 1, 1, 1], 1, 6), ([3, 1, 1, 1], 2, 3), ([1, 1, 1, 3], 2, 4), ([1, 1, 1], 2, 2), ([2, 2], 64, 2),
      ([], 4, 0),
    ] as [([Double], Int, Double)])
  func span(pieces: [Double], threads: Int, seconds: Double) {
    #expect(LoopDivision.span(of: pieces, threads: threads) == seconds)
  }

  @Test(
    "every piece runs once, divided for the given threads, and the speed-up is at most their number",
    arguments: [1, 4, 64])
  func counting(threads: Int) {
    var hits = [Int](repeating: 0, count: 8)
    let (result, division) = hits.withUnsafeMutableBufferPointer { hits in
      nonisolated(unsafe) let hits = hits
      return LoopDivision.counting(threads: threads) {
        Parallel.forEach(8) { hits[$0] += 1 }
        return Parallel.threadCount
      }
    }
    #expect(result == threads && hits == [Int](repeating: 1, count: 8))
    #expect(division.threads == threads && division.seconds >= division.secondsBetween)
    #expect(division.secondsAlone >= division.seconds || threads == 1)
    #expect(division.shareOfIdeal < 1.001 * min(1, 8 / Double(threads)))
  }
}
