internal import Foundation

/// Memory from the operating system.
///
/// Large blocks are mappings of their own: freed, they are the system's again at once, where an allocator would keep holes
/// between smaller blocks. On Linux they ask for large pages, which cost fewer faults and fewer entries of the page tables.
package enum SystemMemory {
  private static let mappedByteCount = 1 << 20

  private static let refusalHandler = Lock<(@Sendable (_ sentence: String) -> Never)?>(nil)

  /// Sets how the process ends when the system refuses memory: no computation can go on without it.
  ///
  /// A trap with the sentence, if never called.
  package static func onRefusal(_ handler: @escaping @Sendable (_ sentence: String) -> Never) {
    refusalHandler.withLock { $0 = handler }
  }

  /// Ends the process because the system refuses so many bytes.
  private static func refuse(byteCount: Int) -> Never {
    let sentence =
      "The system refuses \((byteCount + 999_999) / 1_000_000) MB of memory: a limit of the process is reached, or the machine has no "
      + "more."
    refusalHandler.withLock(\.self)?(sentence)
    fatalError(sentence)
  }

  /// Ends the process unless the system would give so many bytes now.
  static func requireAvailable(byteCount: Int) {
    deallocate(allocate(byteCount: byteCount), byteCount: byteCount)
  }

  /// A block, aligned to 64 bytes.
  ///
  /// Ends the process with a sentence if the system has no such memory, where Swift's own allocations end it without one.
  static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= mappedByteCount else { return .allocate(byteCount: max(1, byteCount), alignment: 64) }
    let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else { refuse(byteCount: byteCount) }
    #if os(Linux)
      madvise(base, byteCount, MADV_HUGEPAGE)
    #endif
    return base
  }

  /// Frees a block of `allocate(byteCount:)`.
  static func deallocate(_ base: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount >= mappedByteCount { munmap(base, byteCount) } else { base.deallocate() }
  }
}
