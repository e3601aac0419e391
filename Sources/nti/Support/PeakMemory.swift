#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// The peak memory of this process.
enum PeakMemory {
  /// The maximum resident size so far, in bytes.
  static var bytes: Int {
    var usage = rusage()
    // 0 is RUSAGE_SELF, whose type differs between systems.
    guard getrusage(0, &usage) == 0 else { return 0 }
    #if canImport(Darwin)
      return usage.ru_maxrss
    #else
      return 1024 * usage.ru_maxrss
    #endif
  }
}
