internal import DiffusionCore
internal import Foundation
internal import NullTextInversion
internal import Tensor

/// Times the parts of a model one after another.
struct BenchmarkSession {
  private let runs: Int
  private let begin: (String) -> Void
  private var times: [BenchmarkPart: [Double]] = [:]
  private var stemTimes: [Double] = []
  private var productRate = 0.0
  private var profiles: [BenchmarkPart: [Profile.Entry]] = [:]
  private var divisions: [BenchmarkPart: [LoopDivision]] = [:]

  /// Creates a session.
  ///
  /// - Parameters:
  ///   - runs: The number of measurements of each part.
  ///   - begin: A function that receives the title of each stage.
  init(runs: Int, begin: @escaping (String) -> Void) {
    self.runs = runs
    self.begin = begin
  }

  /// Measures the rate of matrix products, and keeps the highest rate of all calls.
  mutating func measureProducts() {
    begin("timing matrix products")
    productRate = max(productRate, BLAS.productRate())
  }

  /// Reads a model: `runs` times if reading is measured, otherwise once.
  mutating func load(
    _ checkpoint: Checkpoint, latent: PixelSize, isMeasured: Bool
  ) throws -> BenchmarkNetwork {
    begin("reading the model")
    // Each model is released before the next is read, so that only one is in memory.
    for _ in 1..<(isMeasured ? runs : 1) {
      try time(.load) { _ = try DiffusionModel(checkpoint, options: ModelOptions()) }
    }
    let start = ContinuousClock.now
    let model = try DiffusionModel(checkpoint, options: ModelOptions())
    if isMeasured { times[.load, default: []].append((ContinuousClock.now - start) / .seconds(1)) }
    return try BenchmarkNetwork(model, latent: latent)
  }

  /// Measures a part other than `load`.
  mutating func measure(_ part: BenchmarkPart, of network: inout BenchmarkNetwork) throws {
    begin("timing \(part.rawValue)")
    let shared = part == .gradient ? network.stem() : nil
    let (_, entries) = try Profile.recording {
      for _ in 0..<runs {
        try Task.checkCancellation()
        let start = ContinuousClock.now
        let stem = part == .unet ? network.stem() : shared
        if part == .unet { stemTimes.append((ContinuousClock.now - start) / .seconds(1)) }
        try network.run(part, after: stem)
        times[part, default: []].append((ContinuousClock.now - start) / .seconds(1))
      }
    }
    profiles[part] = entries
  }

  /// Counts how the work of a part would divide among 4, 8, 16 and 32 threads.
  ///
  /// Each count takes as long as a run on one thread.
  mutating func countDivision(of part: BenchmarkPart, _ network: inout BenchmarkNetwork) throws {
    begin("counting the thread division of \(part.rawValue)")
    let shared = part == .gradient ? network.stem() : nil
    divisions[part] = try [4, 8, 16, 32].map { threads in
      try LoopDivision.counting(threads: threads) {
        try network.run(part, after: part == .unet ? network.stem() : shared)
      }.division
    }
  }

  private mutating func time(_ part: BenchmarkPart, _ work: () throws -> Void) rethrows {
    let start = ContinuousClock.now
    try work()
    times[part, default: []].append((ContinuousClock.now - start) / .seconds(1))
  }

  /// Returns the report.
  ///
  /// - Parameters:
  ///   - network: The measured network.
  ///   - name: The name of the model.
  ///   - isProfiled: Whether the report includes the profile and the thread divisions.
  func report(
    of network: BenchmarkNetwork, named name: String, profiles isProfiled: Bool
  ) throws -> BenchmarkReport {
    var report = BenchmarkReport(
      model: name, size: network.pictureSize, runs: runs, times: times,
      operations: profiles.mapValues { entries in entries.reduce(0) { $0 + $1.cost.operations } / runs },
      sgemmGFLOPs: productRate / 1e9)
    if isProfiled {
      report.divisions = divisions.mapValues(BenchmarkReport.Division.init)
      report.profile = profiles.mapValues { $0.map { BenchmarkReport.ProfileLine($0, runs: runs) } }
    }
    if let pace { report.estimates = try network.estimates(at: pace) }
    return report
  }

  /// The measured pace; nil if a part other than `load` was not measured.
  private var pace: NetworkPace? {
    guard let unet = times[.unet]?.median, let gradient = times[.gradient]?.median,
      let encode = times[.encode]?.median, let decode = times[.decode]?.median, let stem = stemTimes.median
    else { return nil }
    return NetworkPace(
      stem: stem, trunk: unet - stem, backward: max(0, gradient - (unet - stem)), encoding: encode,
      decoding: decode)
  }
}

extension [Double] {
  /// The median, or the mean of the two middle values; nil for an empty array.
  var median: Double? {
    guard !isEmpty else { return nil }
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
