internal import Tensor

/// A network of a checkpoint that is in memory always or only while it is in use.
final class ModelPart<Network: AnyObject & Sendable>: Sendable {
  private struct State {
    var kept: Network?
    weak var used: Network?
  }

  private let state = Lock(State())
  private let read: @Sendable () throws -> Network

  /// Reads the network once in any case, to detect missing or damaged files before any work.
  ///
  /// - Throws: The errors of `read`.
  init(isKept: Bool, read: @escaping @Sendable () throws -> Network) throws {
    self.read = read
    let network = try read()
    if isKept { state.withLock { $0.kept = network } }
  }

  /// The network; it is read if it is not in memory, and freed with its last reference unless it is kept.
  ///
  /// - Throws: The errors of `read`.
  var network: Network {
    get throws {
      try state.withLock { state in
        if let network = state.kept ?? state.used { return network }
        // Memory freed by another network makes room for this one.
        BufferPool.shared.drain()
        let network = try read()
        state.used = network
        return network
      }
    }
  }
}
