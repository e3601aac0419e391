import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Null-text by Gauss and Newton's method") struct GaussNewtonTests {
  private let small: SmallInversion
  private let loss: NullTextLoss
  private let empty: Tensor
  private let caption: Tensor
  private var halfway: Tensor { .combination(0.5, empty, 0.5, caption) }

  init() throws {
    small = try SmallInversion()
    let pivots = try small.inversion(for: .direct).pivots
    let step = GuidedStep(small.unet, sampler: try small.sampler, guidance: small.options.guidance)
    loss = try NullTextLoss(
      step, 1, from: pivots[3], caption: small.context(small.caption), target: pivots[2])
    (empty, caption) = (try small.model.embedding(of: ""), try small.model.embedding(of: small.caption))
  }

  private func fit(
    from start: Tensor, innerSteps: Int, weight: Double = 0, optimizer: NullText.Optimizer = .gaussNewton
  ) throws -> NullTextOptimizer.Step {
    try NullTextOptimizer(settings: NullText(earlyStop: 0, optimizer: optimizer)).fit(
      loss, step: 0, from: start, innerSteps: innerSteps,
      penalty: weight > 0 ? EmbeddingPenalty(weight: weight, center: empty) : nil)
  }

  /// How a landing changes with each number of the embedding, by central differences: a row for each.
  private func jacobian(at start: Tensor) throws -> [[Double]] {
    let reach: Float = 0.1
    return try (0..<start.count).map { index in
      func landing(_ change: Float) throws -> [Float] {
        var moved = start
        moved.withMutableScalars { $0[index] += change }
        return try loss.landing(moved).scalars
      }
      return zip(try landing(reach), try landing(-reach)).map { Double($0 - $1) / Double(2 * reach) }
    }
  }

  /// The lowest point of ‖r + J (x − x₀)‖² / N + λ ‖x − c‖² / D, in the closed form of N equations:
  /// x = c − Jᵀ (J Jᵀ + λ N / D)⁻¹ (r + J (c − x₀)).
  private func ridge(from start: Tensor, weight: Double, _ jacobian: [[Double]]) throws -> [Double] {
    let error = zip(try loss.landing(start).scalars, loss.target.scalars).map { Double($0) - Double($1) }
    let (count, size) = (error.count, start.count)
    let offset = zip(empty.scalars, start.scalars).map { Double($0) - Double($1) }
    var equations = [[Double]](repeating: [Double](repeating: 0, count: count + 1), count: count)
    for row in 0..<count {
      equations[row][count] = error[row]
      equations[row][row] = weight * Double(count) / Double(size)
    }
    for (change, distance) in zip(jacobian, offset) {
      for row in 0..<count {
        equations[row][count] += change[row] * distance
        for column in 0..<count { equations[row][column] += change[row] * change[column] }
      }
    }
    let solution = solved(equations)
    return zip(empty.scalars, jacobian).map { center, change in
      Double(center) - zip(change, solution).map(*).reduce(0, +)
    }
  }

  /// Symmetric positive equations with their right sides in the last column, by elimination.
  private func solved(_ equations: [[Double]]) -> [Double] {
    var rows = equations
    let count = rows.count
    for pivot in 0..<count {
      for row in (pivot + 1)..<max(count, pivot + 1) {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in pivot...count { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    var solution = [Double](repeating: 0, count: count)
    for row in (0..<count).reversed() {
      let known = ((row + 1)..<max(count, row + 1)).map { rows[row][$0] * solution[$0] }.reduce(0, +)
      solution[row] = (rows[row][count] - known) / rows[row][row]
    }
    return solution
  }

  @Test("comes to the regularised least squares of a Jacobian by differences, in their closed form")
  func closedForm() throws {
    let jacobian = try jacobian(at: halfway)
    let largest = jacobian.map { $0.map { $0 * $0 }.reduce(0, +) }.reduce(0, +)
    // Relative to the sum of all curvatures, so that loss and penalty both have their say.
    for share in [0.3, 0.05] {
      let weight = share * largest * Double(empty.count) / Double(loss.target.count)
      let step = try fit(from: halfway, innerSteps: 12, weight: weight)
      #expect(step.embedding != halfway)
      let expected = try ridge(from: halfway, weight: weight, jacobian)
      func distance(_ embedding: Tensor) -> Double {
        zip(embedding.scalars, expected).map { (Double($0) - $1) * (Double($0) - $1) }.reduce(0, +)
          .squareRoot()
      }
      // Against how far the loss alone moves the point away from where the penalty alone would have it.
      #expect(distance(step.embedding) < 0.05 * distance(empty), "\(share)")
      #expect(distance(halfway) > 0.5 * distance(empty), "\(share)")
    }
  }

  @Test("its first iteration is that of conjugate directions")
  func firstIteration() throws {
    for start in [empty, halfway] {
      let (one, other) = (
        try fit(from: start, innerSteps: 1),
        try fit(from: start, innerSteps: 1, optimizer: .conjugateDirections)
      )
      #expect(one.embedding != start)
      expectClose(one.embedding - start, other.embedding - start, relative: 1e-4)
      #expect(one.updates == 1 && other.updates == 1)
    }
  }

  @Test("more iterations come nearer to the pivot, and a penalty keeps nearer to the empty text's embedding")
  func tradeOff() throws {
    let losses = try (0..<5).map { try #require(fit(from: halfway, innerSteps: $0).loss) }
    for (more, fewer) in zip(losses.dropFirst(), losses) { #expect(more < fewer, "\(losses)") }
    let weights: [Double] = [0, 1e-4, 1e-2, 1, 100]
    let distances = try weights.map {
      try fit(from: halfway, innerSteps: 4, weight: $0).embedding.meanSquaredDifference(to: empty)
    }
    for (more, less) in zip(distances.dropFirst(), distances) {
      #expect(more <= less * 1.0001, "\(distances)")
    }
    // Where only the penalty counts, its own lowest point.
    #expect(distances[4] < 1e-4 * halfway.meanSquaredDifference(to: empty))
    #expect(distances[0] > 0.5 * halfway.meanSquaredDifference(to: empty))
  }

  @Test("the last steps know no penalty and have twice the iterations; a start halfway is the mean of both")
  func finalSteps() throws {
    var small = small
    let settings = NullText(
      innerSteps: 2, earlyStop: 0, optimizer: .gaussNewton, start: .halfway, regularization: 1e6,
      finalSteps: 2)
    small.options.method = .nullText(settings)
    let inversion = try small.inversion()
    // Between two equal noise levels the last step of this model does not move.
    #expect(inversion.innerSteps == [2, 2, 4, 0])
    let distances = inversion.nullEmbeddings.map { $0.meanSquaredDifference(to: empty) }
    #expect(distances[1] < 1e-6 && distances[2] > 10 * distances[1], "\(distances)")
    small.options.nullText?.innerSteps = 0
    #expect(try small.inversion().nullEmbeddings.allSatisfy { $0 == halfway })
  }

  @Test("makes the evaluations that it foretells: the most where nothing stops it, the least where all does")
  func evaluations() throws {
    var small = try SmallInversion("linear-v")
    for optimizer in [NullText.Optimizer.gaussNewton, .conjugateDirections] {
      var settings = optimizer == .gaussNewton ? NullText.balanced : .fast
      for earlyStop in [0, 1e9] {
        settings.earlyStop = earlyStop
        small.options.method = .nullText(settings)
        let (inversion, evaluations) = try small.counting { try small.inversion() }
        let iterations = optimizer == .gaussNewton ? [2, 2, 4, 4] : [2, 2, 2, 2]
        #expect(inversion.innerSteps == (earlyStop == 0 ? iterations : [0, 0, 0, 0]))
        let work = earlyStop == 0 ? small.options.mostWork : small.options.leastWork
        #expect(evaluations == work.evaluations)
      }
    }
  }

  @Test("settings that are as published leave nothing in a file, and come back as they were")
  func stored() throws {
    for name in ["regularization", "finalSteps"] {
      #expect(!InversionOptions().json.contains(name) && !InversionOptions.fast.json.contains(name))
      #expect(InversionOptions.balanced.json.contains(name))
    }
    #expect(InversionOptions(json: InversionOptions.balanced.json) == .balanced)
    let older = #"{"method":"nullText","optimizer":"conjugateDirections","start":"caption","innerSteps":2}"#
    #expect(InversionOptions(json: older) == .fast)
    #expect(InversionOptions.balanced.steps == 20 && InversionOptions.balanced.nullText == .balanced)
  }

  @Test(
    "settings that make no sense are refused, and those of Gauss and Newton's method with others",
    arguments: [
      Change("below zero") { $0.regularization = -1e-9 }, Change("endless") { $0.regularization = .infinity },
      Change("undefined") { $0.regularization = .nan }, Change("fewer than none") { $0.finalSteps = -1 },
      Change("with Adam") { $0.optimizer = .adam },
      Change("with conjugate directions") {
        $0.optimizer = .conjugateDirections
        $0.regularization = 0
      },
    ] as [Change<NullText>])
  func refused(change: Change<NullText>) throws {
    var settings = NullText.balanced
    #expect(throws: Never.self) { try InversionOptions(method: .nullText(settings)).validate() }
    change.apply(&settings)
    #expect(throws: InputError.self) { try InversionOptions(method: .nullText(settings)).validate() }
  }

  @Test("it has no learning rate that would end at a hundred steps")
  func manySteps() {
    var options = InversionOptions.balanced
    options.steps = 200
    #expect(throws: Never.self) { try options.validate() }
  }
}
