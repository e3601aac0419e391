public import DiffusionCore
internal import Tensor

/// Limits on caches and other memory that makes an editor faster.
///
/// Lower limits give the same results, up to rounding, but take more time.
public struct MemoryLimits: Sendable, Hashable {
  /// The networks that stay in memory, and the computations that are repeated or split to save memory.
  public var model: ModelOptions

  /// The maximum size in bytes of an inverted image's source attention cache, which makes later edits cheaper.
  public var sourceAttention: Int

  /// The maximum size in bytes of freed buffers kept for new tensors instead of being returned to the system.
  ///
  /// One pool serves the whole process: the most recently created editor sets its limit.
  public var freeBuffers: Int

  /// Creates limits in bytes; the defaults are one gibibyte each and the fastest model options.
  public init(
    sourceAttention: Int = 1 << 30, freeBuffers: Int = 1 << 30, model: ModelOptions = ModelOptions()
  ) {
    self.model = model
    self.sourceAttention = sourceAttention
    self.freeBuffers = freeBuffers
  }

  func apply() { BufferPool.shared.byteLimit = max(0, freeBuffers) }
}
