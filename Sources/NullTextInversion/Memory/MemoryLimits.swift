public import DiffusionCore
internal import Tensor

/// How much memory may be spent on speed.
///
/// Less memory gives the same results, later.
public struct MemoryLimits: Sendable, Hashable {
  /// Which networks stay in memory, and what is computed again or in pieces.
  public var model: ModelOptions

  /// The bytes of attention that an inverted picture remembers of its source, so that a second edit costs less than the
  /// first.
  public var sourceAttention: Int

  /// The bytes of freed buffers that are kept for the next tensor instead of being returned to the system.
  ///
  /// One pool serves the whole process: the editor that was made last sets its limit.
  public var freeBuffers: Int

  /// Limits in bytes, a gibibyte each by default, and the fastest model.
  public init(
    sourceAttention: Int = 1 << 30, freeBuffers: Int = 1 << 30, model: ModelOptions = ModelOptions()
  ) {
    self.model = model
    self.sourceAttention = sourceAttention
    self.freeBuffers = freeBuffers
  }

  func apply() { BufferPool.shared.byteLimit = max(0, freeBuffers) }
}
