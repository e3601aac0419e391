/// The time that a computation spends in each kind and size of layer, separately for forward and backward passes.
///
/// Layers report their work through `measure`.
package enum Profile {
  /// The kind of a layer.
  package enum Kind: String, Sendable, Codable, CaseIterable {
    case convolution3x3 = "3x3 convolution"
    case convolution1x1 = "1x1 convolution"
    case otherConvolution = "other convolution"
    /// A convolution that normalizes its input.
    case normConvolution = "norm + convolution"
    /// A convolution that resizes its input.
    case upsamplingConvolution = "upsampling + convolution"
    case linear = "linear"
    case linearGEGLU = "linear + geglu"
    /// Attention with the same number of keys and queries.
    case selfAttention = "self-attention"
    case crossAttention = "cross-attention"
    case groupNorm = "group norm"
    case layerNorm = "layer norm"
    case geglu = "geglu"
    case activation = "activation"
    case concatenation = "concatenation"
    case upsampling = "upsampling"
  }

  /// The cost of the forward or backward pass of one call.
  package struct Cost: Sendable, Equatable {
    /// Floating-point operations of products by the direct formula, two per multiply-add.
    package var operations = 0
    /// The minimum of bytes read and written.
    package var bytes = 0
  }

  /// One call of a layer.
  struct Work {
    let kind: Kind
    /// Pixels or tokens of the result.
    let rows: Int
    /// Height and width of the result if it is a feature map.
    var grid: Grid?
    let forward: Cost
    /// The cost of the gradient with respect to the input; zero if no gradient will be computed.
    let backward: Cost
  }

  /// The size of a feature map.
  package struct Grid: Sendable, Hashable {
    /// The number of rows.
    package let height: Int
    /// The number of columns.
    package let width: Int
  }

  /// The total of all calls of one kind, size and direction.
  package struct Entry: Sendable {
    /// The kind of layer.
    package let kind: Kind
    /// Whether the entry is for the backward pass.
    package let isBackward: Bool
    /// Pixels or tokens of each result.
    package let rows: Int
    /// The feature map size with this number of pixels, if any layer had one.
    package let grid: Grid?
    /// The number of calls.
    package fileprivate(set) var calls = 0
    /// The total time of the calls in seconds.
    package fileprivate(set) var seconds = 0.0
    /// The total cost of the calls.
    package fileprivate(set) var cost = Cost()
  }

  private static let recorder = TaskRecorder<Recorder>()

  /// Returns the result of `body` and its work by layer, in descending order of time.
  package static func recording<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, entries: [Entry]) {
    let own = Recorder()
    let result = try recorder.with(own, body)
    return (result, own.entries)
  }

  /// Returns the result of a layer, and records its time and that of its pullback if a recorder is active.
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

    /// The entries in descending order of time; a token count that equals the pixel count of a feature map gets its
    /// size.
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

  /// Returns the work of a product of `rows` × `depth` with a weight of `depth` × `columns`.
  ///
  /// - Parameters:
  ///   - inputCount: The number of elements read, without the weight.
  ///   - isTracked: Whether the gradient with respect to the input will be computed; it costs the same.
  static func product(
    _ kind: Profile.Kind, rows: Int, grid: Profile.Grid? = nil, depth: Int, columns: Int, inputCount: Int,
    weightBytes: Int, isTracked: Bool
  ) -> Self {
    let cost = Profile.Cost(
      operations: 2 * rows * depth * columns,
      bytes: scalarBytes * (inputCount + rows * columns) + weightBytes)
    return Self(kind: kind, rows: rows, grid: grid, forward: cost, backward: isTracked ? cost : .init())
  }

  /// Returns the work of the two products of an attention: scores, and weighted sums of values.
  ///
  /// The backward pass computes the scores again. It adds one product for each of the gradients of queries, keys and
  /// values, and one for the gradient of the scores, which queries and keys need.
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

  /// Returns the work of a pass over memory that writes a tensor of `shape`.
  ///
  /// - Parameters:
  ///   - passes: The number of times the forward pass reads its input.
  ///   - isTracked: Whether the gradient will be computed; its pass reads input and upstream gradient as often and
  ///     writes once.
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
