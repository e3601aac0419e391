internal import NullTextInversion
internal import Tensor

/// What a benchmark found, for programs.
struct BenchmarkReport: Encodable {
  /// The work of the layers of one kind, one size and one direction, in one run.
  struct ProfileLine: Encodable {
    let kind: String
    let isBackward: Bool
    /// Pixels or tokens.
    let rows: Int
    /// The map, as height and width, if the rows are its pixels.
    let grid: [Int]?
    let calls: Double
    let seconds: Double
    let operations: Int
    let bytes: Int

    init(_ entry: Profile.Entry, runs: Int) {
      kind = entry.kind.rawValue
      isBackward = entry.isBackward
      rows = entry.rows
      grid = entry.grid.map { [$0.height, $0.width] }
      calls = Double(entry.calls) / Double(runs)
      seconds = entry.seconds / Double(runs)
      operations = entry.cost.operations / runs
      bytes = entry.cost.bytes / runs
    }
  }

  /// The counted speed-up of a part with other numbers of threads.
  struct Division: Encodable {
    let threads: [Int]
    /// The speed-up over the number of threads.
    let shareOfIdeal: [Double]

    /// The share of the time on one thread that is outside of loops.
    let shareBetweenLoops: [Double]

    init(_ divisions: [LoopDivision]) {
      threads = divisions.map(\.threads)
      shareOfIdeal = divisions.map(\.shareOfIdeal)
      shareBetweenLoops = divisions.map { $0.secondsBetween / $0.secondsAlone }
    }
  }

  let model: String
  let size: PixelSize
  let threads = Parallel.threadCount
  let level = ProcessorLevel.current
  /// Operations of matrix products in a second, in thousand millions, as fast as this machine makes them.
  let sgemmGFLOPs: Double
  /// The most memory that the process had.
  let peakBytes = PeakMemory.bytes
  let runs: Int
  let times: [BenchmarkPart: [Double]]
  /// Operations of one run of a part.
  let operations: [BenchmarkPart: Int]
  var profile: [BenchmarkPart: [ProfileLine]]?
  var divisions: [BenchmarkPart: Division]?
  var estimates: [BenchmarkEstimate]?

  init(
    model: String, size: PixelSize, runs: Int, times: [BenchmarkPart: [Double]],
    operations: [BenchmarkPart: Int], sgemmGFLOPs: Double
  ) {
    self.model = model
    self.size = size
    self.runs = runs
    self.times = times
    self.operations = operations
    self.sgemmGFLOPs = sgemmGFLOPs
  }

  private enum Key: String, CodingKey {
    case model, size, threads, level, sgemmGFLOPs, peakBytes, operations, profile, divisions, estimates
    case load, unet, gradient, encode, decode

    init(_ part: BenchmarkPart) {
      self =
        switch part {
        case .load: .load
        case .unet: .unet
        case .gradient: .gradient
        case .encode: .encode
        case .decode: .decode
        }
    }
  }

  /// Writes the seconds of each part under its own name.
  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(model, forKey: .model)
    try values.encode("\(size)", forKey: .size)
    try values.encode(threads, forKey: .threads)
    try values.encode(level, forKey: .level)
    try values.encode(sgemmGFLOPs, forKey: .sgemmGFLOPs)
    try values.encode(peakBytes, forKey: .peakBytes)
    for (part, seconds) in times { try values.encode(seconds, forKey: Key(part)) }
    func named<Value>(_ parts: [BenchmarkPart: Value]) -> [String: Value] {
      Dictionary(uniqueKeysWithValues: parts.map { ($0.key.rawValue, $0.value) })
    }
    try values.encode(named(operations), forKey: .operations)
    try values.encodeIfPresent(profile.map(named), forKey: .profile)
    try values.encodeIfPresent(divisions.map(named), forKey: .divisions)
    try values.encodeIfPresent(estimates, forKey: .estimates)
  }
}
