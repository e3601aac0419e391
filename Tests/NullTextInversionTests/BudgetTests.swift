import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Time budgets") struct BudgetTests {
  /// A simulated clock and the budget that reads it.
  private struct Simulation {
    let start = ContinuousClock.now
    var now: ContinuousClock.Instant
    var budget: InnerBudget
    let limit: Int
    let steps: Int

    /// - Parameters:
    ///   - evaluation: The seconds of each pivot evaluation.
    ///   - known: Whether there were pivot evaluations.
    init(
      seconds: Double, steps: Int = 50, evaluation: Double = 0.1, known: Bool = true, innerSteps: Int = 10,
      guidance: Double = 7.5
    ) throws {
      let betas = NoiseSchedule.betas(from: 0.00085, to: 0.012, count: 1000, scaled: true)
      let schedule = NoiseSchedule(
        alphasCumulative: NoiseSchedule.alphasCumulative(betas: betas), stepsOffset: 1, finalAlpha: .first,
        prediction: .epsilon)
      let evaluations = known ? steps : 0
      now = start + .seconds(evaluation * Double(evaluations))
      budget = InnerBudget(
        .seconds(seconds), of: NullText(innerSteps: innerSteps), start: start,
        pace: known ? NetworkPace(stem: 0, trunk: evaluation, backward: 0, decoding: 2 * evaluation) : nil,
        sampler: try DDIM(schedule, stepCount: steps), guidance: guidance)
      (limit, self.steps) = (innerSteps, steps)
    }

    var elapsed: Double { (now - start) / .seconds(1) }

    /// Simulates all steps at a pace and returns the inner iterations allowed in each step; nil for a bare step.
    mutating func walk(evaluation: (Int) -> Double, iteration: (Int) -> Double) -> [Int?] {
      (0..<steps).map { index in
        switch budget.allowance(for: index, now: now) {
        case .bareStep:
          now += .seconds(evaluation(index))
          return nil
        case .innerSteps(let count):
          let seconds = 2 * evaluation(index) + Double(count) * iteration(index)
          now += .seconds(seconds)
          budget.learn(.seconds(seconds), innerSteps: count)
          return count
        }
      }
    }
  }

  @Test("an allowance is never negative, never exceeds the limit, and grows with the remaining time")
  func bounds() throws {
    var random = SplitMix(seed: 11)
    for _ in 0..<300 {
      let steps = Int.random(in: 1...60, using: &random)
      let limit = Int.random(in: 0...20, using: &random)
      let seconds = pow(10, Double.random(in: -9...9, using: &random))
      let simulation = try Simulation(
        seconds: seconds, steps: steps, evaluation: pow(10, Double.random(in: -7...3, using: &random)),
        known: Bool.random(using: &random), innerSteps: limit,
        guidance: [0, 1, 7.5].randomElement(using: &random) ?? 1)
      for index in 0..<steps {
        var last = -1
        for share in [2, 1, 0.99, 0.9, 0.5, 0, -1] {
          let now = simulation.start + .seconds(seconds * share)
          switch simulation.budget.allowance(for: index, now: now) {
          case .bareStep: #expect(last == -1, "more time left, but no iterations")
          case .innerSteps(let count):
            #expect((0...limit).contains(count) && count >= last && share < 1)
            last = count
          }
        }
      }
    }
  }

  @Test("early steps, whose null embeddings have more effect, get more iterations")
  func weights() throws {
    var simulation = try Simulation(seconds: 60, innerSteps: 100)
    let allowed = simulation.walk(evaluation: { _ in 0.1 }, iteration: { _ in 0.25 }).map { $0 ?? 0 }
    let (first, last) = (allowed.prefix(25).reduce(0, +), allowed.suffix(25).reduce(0, +))
    #expect(first > 2 * last && last > 0)
    #expect(allowed[0] > allowed[20] && allowed[20] >= allowed[40])
  }

  @Test(
    "at a steady pace, the time is used but not exceeded", arguments: [8.0, 20, 20.1, 30, 60, 100, 1000])
  func steady(seconds: Double) throws {
    var simulation = try Simulation(seconds: seconds)
    let allowed = simulation.walk(evaluation: { _ in 0.1 }, iteration: { _ in 0.25 })
    if seconds >= 20 {
      #expect(simulation.elapsed <= seconds)
      // Twenty seconds are exactly sixteen iterations; the last one depends on the rounding of the clock.
      #expect(allowed.dropLast(seconds == 20 ? 1 : 0).allSatisfy { $0 != nil })
      if seconds == 20 { #expect((15...16).contains(allowed.compactMap(\.self).reduce(0, +))) }
    } else {
      // The pivots took five seconds, and the remaining steps take at least five more.
      #expect(abs(simulation.elapsed - 10) < 1e-6 && allowed.allSatisfy { $0 == nil })
    }
    if seconds == 1000 { #expect(allowed.allSatisfy { $0 == 10 }) }
    if seconds == 60 { #expect(simulation.elapsed > 0.8 * seconds) }
  }

  @Test(
    "a budget is kept if the pace slows down, was measured wrongly, or was unknown at first")
  func changingPace() throws {
    var slowing = try Simulation(seconds: 60)
    _ = slowing.walk(evaluation: { 0.1 + 0.001 * Double($0) }, iteration: { 0.3 + 0.006 * Double($0) })
    #expect(slowing.elapsed <= 60)
    var costly = try Simulation(seconds: 60)
    _ = costly.walk(evaluation: { _ in 0.1 }, iteration: { _ in 1 })
    #expect(costly.elapsed <= 60)
    var cheap = try Simulation(seconds: 60, evaluation: 0.2)
    let allowed = cheap.walk(evaluation: { _ in 0.1 }, iteration: { _ in 0.1 })
    #expect(cheap.elapsed <= 60 && allowed.suffix(25).compactMap(\.self).reduce(0, +) > 100)
    var unknown = try Simulation(seconds: 60, known: false)
    let first = unknown.walk(evaluation: { _ in 0.1 }, iteration: { _ in 0.25 })
    #expect(first[0] == 1 && unknown.elapsed <= 60 && unknown.elapsed > 45)
  }

  @Test(
    "without pivot evaluations, a budget that is too small gives bare steps, and the result reports it"
  )
  func tiny() throws {
    var small = try SmallInversion()
    small.options.pivots = .random(seed: 3)
    small.options.nullText?.budget = .seconds(1e-6)
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(evaluations == EvaluationCount(forward: 4, stem: 4))
    #expect(inversion.innerSteps == [0, 0, 0, 0] && inversion.stepsCutShort == 3)
    let plain = try small.inversion(for: .negativePrompt())
    #expect(inversion.trajectory == plain.trajectory && inversion.nullEmbeddings == plain.nullEmbeddings)
    #expect(inversion.losses == plain.losses)
  }

  @Test("an impossible budget is rejected as soon as the pace is known, and no file remains")
  func impossible() async throws {
    var small = try SmallInversion()
    small.options.nullText?.budget = .seconds(1e-6)
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let error = await #expect(throws: InputError.self) {
      _ = try await editor.invert(
        image: SmallInversion.picture, caption: small.caption, options: small.options,
        files: InversionFiles(result: folder.appending(path: "a.nti")))
    }
    #expect(error?.kind == .outOfRange)
    #expect(error?.message.contains("4 steps take at least") == true)
    #expect(editor.model.counter.total.forward == 2)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test("a large budget changes nothing")
  func plenty() throws {
    var small = try SmallInversion("linear-v")
    let free = try small.inversion()
    small.options.nullText?.budget = .seconds(1e9)
    var inversion = try small.inversion()
    #expect(inversion.stepsCutShort == 0)
    inversion.options.nullText?.budget = nil
    #expect(inversion.fileData() == free.fileData())
  }

  @Test("final steps get their additional iterations, and count as cut short below that number")
  func finalSteps() throws {
    var small = try SmallInversion("linear-v")
    small.options.method = .nullText(
      NullText(innerSteps: 1, earlyStop: 0, optimizer: .gaussNewton, finalSteps: 2))
    let free = try small.inversion()
    #expect(free.innerSteps == [1, 1, 2, 2])
    small.options.nullText?.budget = .seconds(1e9)
    var inversion = try small.inversion()
    #expect(inversion.innerSteps == free.innerSteps && inversion.stepsCutShort == 0)
    inversion.innerSteps[3] = 1
    #expect(inversion.stepsCutShort == 1)
  }

  @Test("a last step between equal noise levels gets no iterations and does not count as cut short")
  func stillStep() throws {
    var small = try SmallInversion()
    #expect(small.model.schedule.stepsOffset == 0 && small.model.schedule.finalAlpha == .first)
    small.options.nullText?.budget = .seconds(1e9)
    let inversion = try small.inversion()
    #expect(inversion.innerSteps == [2, 2, 2, 0] && inversion.trajectory[4] == inversion.trajectory[3])
    #expect(inversion.stepsCutShort == 0)
  }

  @Test("a resumed inversion accounts for the time of its first steps")
  func resumed() throws {
    var small = try SmallInversion(steps: 6)
    small.options.nullText?.innerSteps = 1000
    small.options.nullText?.earlyStop = 0
    small.options.nullText?.budget = .seconds(1)
    var begun = try small.begin()
    begun.pivots = try small.inversion(for: .direct).pivots
    let clock = ContinuousClock.now
    let inversion = try small.inversion(from: UnfinishedInversion(begun))
    #expect((ContinuousClock.now - clock) / .seconds(1) < 60)
    #expect(inversion.innerSteps[0] <= 1)
    #expect(inversion.stepsCutShort > 0)
  }

  @Test("steps count as cut short only if the budget ended them, not their loss or their limit")
  func cutShort() throws {
    var inversion = try Inversion.made(steps: 4)
    inversion.options.nullText?.innerSteps = 10
    inversion.options.nullText?.earlyStop = 1e-5
    inversion.options.nullText?.budget = .seconds(5)
    // The loss is low enough; the iterations are at the limit; neither; the loss is low enough for a later step only.
    inversion.losses = [0.9e-5, 1, 1, 6.9e-5]
    inversion.innerSteps = [3, 10, 9, 0]
    #expect(inversion.stepsCutShort == 1)
    inversion.losses[3] = 7.1e-5
    #expect(inversion.stepsCutShort == 2)
    inversion.options.nullText?.budget = nil
    #expect(inversion.stepsCutShort == 0)
    inversion.options.nullText?.budget = .seconds(5)
    #expect(inversion.stepsCutShort == 2)
    inversion.options.method = .ddim
    #expect(inversion.stepsCutShort == 0)
  }

  @Test(
    "a budget must be positive and finite",
    arguments: [
      .zero, .seconds(-1), .nanoseconds(-1), .seconds(1e9) + .nanoseconds(1000),
      Duration(secondsComponent: .max, attosecondsComponent: 0),
    ] as [Duration])
  func refused(budget: Duration) throws {
    let options = InversionOptions(method: .nullText(NullText(budget: budget)))
    #expect(try inputError { try options.validate() }?.kind == .outOfRange)
    #expect(throws: Never.self) {
      try InversionOptions(method: .nullText(NullText(budget: .seconds(1e9)))).validate()
    }
  }

  @Test(
    "a budget in a file is in seconds and is validated like other budgets",
    arguments: [0, -1, 1.1e9, 1e19, 1e30])
  func refusedInFile(seconds: Double) throws {
    #expect(InversionOptions(json: #"{"budget":\#(seconds)}"#) == nil)
    let error = #expect(throws: InputError.self) {
      try JSONDecoder().decode(InversionOptions.self, from: Data(#"{"budget":\#(seconds)}"#.utf8))
    }
    #expect(error?.kind == .outOfRange)
    #expect(InversionOptions(json: #"{"budget":60.5}"#)?.nullText?.budget == .seconds(60.5))
  }
}
