internal import Foundation

/// Memory from the operating system.
///
/// Large blocks are mappings of their own: freed, they are the system's again at once, where an allocator would keep holes
/// between smaller blocks. On Linux they ask for large pages, which cost fewer faults and fewer entries of the page tables.
enum SystemMemory {
  private static let mappedByteCount = 1 << 20

  /// A block, aligned to 64 bytes.
  ///
  /// Ends the process with a sentence if the system has no such memory, where Swift's own allocations end it without one.
  static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= mappedByteCount else { return .allocate(byteCount: max(1, byteCount), alignment: 64) }
    let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else { fatalError("The system refuses \(byteCount) bytes of memory.") }
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
