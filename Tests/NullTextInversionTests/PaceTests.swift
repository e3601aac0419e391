import DiffusionCore
import Foundation
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Measured pace of a call") struct PaceTests {
  private func measuredPace(_ intervals: (EvaluationCount, Double)...) -> MeasuredPace {
    var pace = MeasuredPace()
    for (count, seconds) in intervals { pace.learn(count, in: seconds) }
    return pace
  }

  @Test("the pace is unknown before the first evaluation, and uncertain until the second") func first() {
    #expect(measuredPace().network == nil)
    #expect(measuredPace((EvaluationCount(), 5)).network == nil)
    let one = measuredPace((EvaluationCount(forward: 2), 6))
    #expect(!one.isSure && one.network?.trunk == 3)
    let two = measuredPace((EvaluationCount(forward: 2), 6), (EvaluationCount(forward: 1), 1))
    #expect(two.isSure && two.network?.trunk == 1)
  }

  @Test("the pace follows the latest evaluations") func newest() throws {
    var pace = MeasuredPace()
    for _ in 0..<50 { pace.learn(EvaluationCount(forward: 1), in: 1) }
    for _ in 0..<50 { pace.learn(EvaluationCount(forward: 1), in: 2) }
    #expect(abs(try #require(pace.network?.trunk) - 2) < 0.01)
  }

  @Test("the backward pace is the time that the forward pace does not explain") func backward() throws {
    let forward = (EvaluationCount(forward: 1), 1.0)
    let known = measuredPace(forward, forward, (EvaluationCount(forward: 2, backward: 1), 5))
    #expect(try #require(known.network).backward == 3)
    // The estimate before the first backward pass is one and a half evaluations.
    #expect(try #require(measuredPace(forward, forward).network).backward == 1.5)
  }

  @Test(
    "the expected decoding time is between half of the first one and all of it, depending on the evaluations",
    arguments: [(1.0, 1.0), (3, 2), (10, 5)])
  func decoding(measured: Double, expected: Double) throws {
    var pace = measuredPace((EvaluationCount(forward: 1), 1), (EvaluationCount(forward: 1), 1))
    #expect(pace.network?.decoding == 2)
    pace.decoding = measured
    #expect(pace.network?.decoding == expected)
  }

  @Test(
    "the evaluations of an inversion are between the minimum and the maximum",
    arguments: WorkTests.methods + [.nullText(), .nullText(.fast), .globalNullText()])
  func ranges(method: InversionMethod) throws {
    var small = try SmallInversion(steps: 3)
    small.options.method = method
    let (_, made) = try small.counting { try small.inversion() }
    let (least, most) = (small.options.leastWork.evaluations, small.options.mostWork.evaluations)
    for count in [\EvaluationCount.forward, \.backward, \.stem] {
      #expect(least[keyPath: count] <= made[keyPath: count] && made[keyPath: count] <= most[keyPath: count])
    }
    let left = small.options.work(afterPivots: 2)
    #expect(left.most.evaluations == most - EvaluationCount(forward: 2, stem: 2))
    #expect(left.least.evaluations == least - EvaluationCount(forward: 2, stem: 2))
  }
}
