internal import Tensor

/// A network of a checkpoint that is in memory always, or only while somebody uses it.
final class ModelPart<Network: AnyObject & Sendable>: Sendable {
  private struct State {
    var kept: Network?
    weak var used: Network?
  }

  private let state = Lock(State())
  private let read: @Sendable () throws -> Network

  /// Reads the network once in any case, so that what is missing or damaged shows before any work.
  ///
  /// - Throws: what `read` throws.
  init(isKept: Bool, read: @escaping @Sendable () throws -> Network) throws {
    self.read = read
    let network = try read()
    if isKept { state.withLock { $0.kept = network } }
  }

  /// The network; it is read if it is not in memory, and freed when the last reference to it goes.
  ///
  /// - Throws: what reading throws.
  var network: Network {
    get throws {
      try state.withLock { state in
        if let network = state.kept ?? state.used { return network }
        // What another network freed makes room for this one.
        BufferPool.shared.drain()
        let network = try read()
        state.used = network
        return network
      }
    }
  }
}
