internal import NullTextInversion
internal import Tensor

/// The JSON result of `nti benchmark`.
struct BenchmarkReport: Encodable {
  /// The work of all layers of one kind, size and direction in one run.
  struct ProfileLine: Encodable {
    let kind: String
    let isBackward: Bool
    /// The number of pixels or tokens.
    let rows: Int
    /// The height and width of the map if the rows are its pixels.
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

  /// The counted speedup of a part with several numbers of threads.
  struct Division: Encodable {
    let threads: [Int]
    /// The speedup divided by the number of threads.
    let shareOfIdeal: [Double]

    /// The share of the single-threaded time outside parallel loops.
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
  /// The highest measured rate of matrix products, in 10⁹ operations per second.
  let sgemmGFLOPs: Double
  /// The peak memory of the process in bytes.
  let peakBytes = PeakMemory.bytes
  let runs: Int
  let times: [BenchmarkPart: [Double]]
  /// The number of operations in one run of each part.
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

  /// Encodes the report, with the seconds of each part under the part's name.
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
