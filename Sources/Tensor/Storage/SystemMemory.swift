internal import Foundation

/// Memory from the operating system.
///
/// Large blocks are separate mappings: the system gets them back as soon as they are freed, whereas an allocator would
/// keep the gaps between smaller blocks. On Linux they use huge pages, which cost fewer page faults and page table
/// entries.
package enum SystemMemory {
  private static let mappedByteCount = 1 << 20

  private static let refusalHandler = Lock<(@Sendable (_ sentence: String) -> Never)?>(nil)

  /// Sets a handler that ends the process with a message when the system refuses memory; no computation can continue
  /// then.
  ///
  /// The default is a trap with the message.
  package static func onRefusal(_ handler: @escaping @Sendable (_ sentence: String) -> Never) {
    refusalHandler.withLock { $0 = handler }
  }

  /// Ends the process because the system refused `byteCount` bytes.
  private static func refuse(byteCount: Int) -> Never {
    let sentence =
      "The system refused \((byteCount + 999_999) / 1_000_000) MB of memory: the process has reached a limit, "
      + "or the machine has no more."
    refusalHandler.withLock(\.self)?(sentence)
    fatalError(sentence)
  }

  /// Ends the process unless the system can allocate `byteCount` bytes now.
  static func requireAvailable(byteCount: Int) {
    deallocate(allocate(byteCount: byteCount), byteCount: byteCount)
  }

  /// Returns a block aligned to 64 bytes.
  ///
  /// Ends the process with a message if the system refuses the memory; Swift's own allocations end it without one.
  static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= mappedByteCount else { return .allocate(byteCount: max(1, byteCount), alignment: 64) }
    let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else { refuse(byteCount: byteCount) }
    #if os(Linux)
      madvise(base, byteCount, MADV_HUGEPAGE)
    #endif
    return base
  }

  /// Frees a block from `allocate(byteCount:)`.
  static func deallocate(_ base: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount >= mappedByteCount { munmap(base, byteCount) } else { base.deallocate() }
  }
}
