/// Where the time of a computation goes: by kind of layer and by size, forwards and backwards apart.
///
/// Layers say what they do through `measure`; nothing else knows of it.
package enum Profile {
  /// What a layer does.
  package enum Kind: String, Sendable, Codable, CaseIterable {
    case convolution3x3 = "3x3 convolution"
    case convolution1x1 = "1x1 convolution"
    case otherConvolution = "other convolution"
    /// A convolution that normalises its input.
    case normConvolution = "norm + convolution"
    /// A convolution that resizes its input.
    case upsamplingConvolution = "upsampling + convolution"
    case linear = "linear"
    case linearGEGLU = "linear + geglu"
    /// As many keys as queries.
    case selfAttention = "self-attention"
    case crossAttention = "cross-attention"
    case groupNorm = "group norm"
    case layerNorm = "layer norm"
    case geglu = "geglu"
    case activation = "activation"
    case concatenation = "concatenation"
    case upsampling = "upsampling"
  }

  /// What one direction of one call takes.
  package struct Cost: Sendable, Equatable {
    /// Floating-point operations of products, two for a multiply-add, as the direct formula has them.
    package var operations = 0
    /// What must be read and written at least, in bytes.
    package var bytes = 0
  }

  /// One call of a layer.
  struct Work {
    let kind: Kind
    /// Pixels or tokens of the result.
    let rows: Int
    /// Height and width of the result if it is a map.
    var grid: Grid?
    let forward: Cost
    /// Of the gradient at the input; nothing if none will be asked for.
    let backward: Cost
  }

  /// The size of a map.
  package struct Grid: Sendable, Hashable {
    /// Rows of the map.
    package let height: Int
    /// Columns of the map.
    package let width: Int
  }

  /// All calls of one kind, size and direction.
  package struct Entry: Sendable {
    /// What was done.
    package let kind: Kind
    /// Whether it was the gradient.
    package let isBackward: Bool
    /// Pixels or tokens of the results.
    package let rows: Int
    /// The map that has so many pixels, if there was one.
    package let grid: Grid?
    /// How often.
    package fileprivate(set) var calls = 0
    /// How long, all calls together.
    package fileprivate(set) var seconds = 0.0
    /// What it took, all calls together.
    package fileprivate(set) var cost = Cost()
  }

  private static let recorder = TaskRecorder<Recorder>()

  /// What `body` gives, and the work of all layers in it, the longest first.
  package static func recording<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, entries: [Entry]) {
    let own = Recorder()
    let result = try recorder.with(own, body)
    return (result, own.entries)
  }

  /// The result of a layer, measured if somebody records; then its pullback is measured as well.
  static func measure(_ work: @autoclosure () -> Work, _ body: () -> Variable) -> Variable {
    guard let recorder = recorder.current else { return body() }
    let work = work()
    let result = recorder.measure(work, isBackward: false, body)
    if work.backward != Cost() {
      result.node?.wrapPullback { pullback in
        { upstream in recorder.measure(work, isBackward: true) { pullback(upstream) } }
      }
    }
    return result
  }

  private final class Recorder: Sendable {
    private struct Key: Hashable {
      let kind: Kind
      let isBackward: Bool
      let rows: Int
    }

    private struct State {
      var entries: [Key: Entry] = [:]
      var grids: [Int: Grid] = [:]
    }

    private let state = Lock(State())

    func measure<Result>(_ work: Work, isBackward: Bool, _ body: () -> Result) -> Result {
      let start = ContinuousClock.now
      let result = body()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let cost = isBackward ? work.backward : work.forward
      state.withLock { state in
        let key = Key(kind: work.kind, isBackward: isBackward, rows: work.rows)
        var entry =
          state.entries[key] ?? Entry(kind: work.kind, isBackward: isBackward, rows: work.rows, grid: nil)
        entry.calls += 1
        entry.seconds += seconds
        entry.cost.operations += cost.operations
        entry.cost.bytes += cost.bytes
        state.entries[key] = entry
        if let grid = work.grid { state.grids[work.rows] = grid }
      }
      return result
    }

    /// Tokens that are as many as the pixels of a map are its pixels.
    var entries: [Entry] {
      state.withLock { state in
        state.entries.values.map { entry in
          var placed = Entry(
            kind: entry.kind, isBackward: entry.isBackward, rows: entry.rows, grid: state.grids[entry.rows])
          (placed.calls, placed.seconds, placed.cost) = (entry.calls, entry.seconds, entry.cost)
          return placed
        }.sorted { $0.seconds > $1.seconds }
      }
    }
  }
}

extension Profile.Work {
  private static let scalarBytes = MemoryLayout<Float>.stride

  /// A product of `result.rows` x `depth` with a weight, into `columns`.
  ///
  /// - Parameters:
  ///   - inputCount: the scalars read besides the weight.
  ///   - isTracked: whether a gradient at the input will be asked for; it takes as much.
  static func product(
    _ kind: Profile.Kind, rows: Int, grid: Profile.Grid? = nil, depth: Int, columns: Int, inputCount: Int,
    weightBytes: Int, isTracked: Bool
  ) -> Self {
    let cost = Profile.Cost(
      operations: 2 * rows * depth * columns,
      bytes: scalarBytes * (inputCount + rows * columns) + weightBytes)
    return Self(kind: kind, rows: rows, grid: grid, forward: cost, backward: isTracked ? cost : .init())
  }

  /// The two products of an attention: scores, and values mixed by them.
  ///
  /// The gradients make the scores again, and take one product each at queries, keys and values, and one at the scores
  /// for the first two.
  static func attention(query: Variable, key: Variable, value: Variable) -> Self {
    let (queries, keys, channels) = (query.shape[0], key.shape[0], query.shape[1])
    let product = 2 * queries * keys * channels
    let bytes = scalarBytes * 2 * (queries + keys) * channels
    let tracked = [query, key, value].count { $0.isTracked }
    let products = tracked + 1 + (query.isTracked || key.isTracked ? 1 : 0)
    return Self(
      kind: queries == keys ? .selfAttention : .crossAttention, rows: queries,
      forward: .init(operations: 2 * product, bytes: bytes),
      backward: tracked == 0 ? .init() : .init(operations: products * product, bytes: 2 * bytes))
  }

  /// A pass over memory that makes `count` scalars in `shape` of `x` and perhaps others.
  ///
  /// - Parameters:
  ///   - passes: how often the forward computation reads its input.
  ///   - isTracked: whether a gradient will be asked for; it reads input and upstream as often and writes once.
  static func pass(
    _ kind: Profile.Kind, reading inputCount: Int, passes: Int = 1, writing shape: [Int], isTracked: Bool
  ) -> Self {
    let count = shape.reduce(1, *)
    let forward = Profile.Cost(bytes: scalarBytes * (passes * inputCount + count))
    let backward = Profile.Cost(bytes: scalarBytes * (passes * (inputCount + count) + inputCount))
    return Self(
      kind: kind, rows: shape.dropLast().reduce(1, *),
      grid: shape.count == 3 ? .init(height: shape[0], width: shape[1]) : nil, forward: forward,
      backward: isTracked ? backward : .init())
  }
}
