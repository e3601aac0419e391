package import Foundation

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A file that is open for random-access reading.
///
/// Reads copy bytes to the caller's memory instead of mapping the file, because truncation of a mapped file ends the
/// process. Pipes, sockets and devices are refused, since they have no offsets and may block forever.
package final class InputFile: Sendable {
  package let url: URL

  /// The number of bytes when the file was opened.
  package let byteCount: Int

  private let descriptor: Int32
  private let version: Version

  /// Opens a file.
  ///
  /// - Throws: `InputError` if the file is missing, is not a regular file, or may not be read.
  package init(_ url: URL) throws {
    let path = url.path
    // Without O_NONBLOCK, opening a pipe waits for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw Self.openingError(errno, path) }
    do {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw Self.openingError(errno, path) }
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFDIR: throw InputError(.malformed, "\(path) is a folder; specify a file in it.")
      default: throw Self.notRegular(path)
      }
      version = Version(status)
    } catch {
      close(descriptor)
      throw error
    }
    self.url = url
    self.descriptor = descriptor
    byteCount = version.byteCount
  }

  deinit { close(descriptor) }

  /// Fills a buffer with the bytes from an offset on.
  ///
  /// Can be called from any thread.
  ///
  /// - Throws: `InputError(.malformed)` if the file is too short, has changed since it was opened, or cannot be read.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      // Systems read at most 2 GiB at a time.
      let count = pread(descriptor, rest.baseAddress, min(rest.count, 1 << 30), off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw InputError(.malformed, "\(url.path) cannot be read: \(String(cString: strerror(errno))).")
      }
      guard count > 0 else { throw changed("ends after \(offset + done) bytes") }
      done += count
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, Version(status) == version else { throw changed("has changed") }
  }

  /// Returns the first bytes, or all bytes if there are fewer.
  ///
  /// - Throws: The errors of `read(at:into:)`.
  package func prefix(_ count: Int) throws -> Data { try bytes(0..<min(count, byteCount)) }

  /// Returns the bytes of a range.
  ///
  /// - Throws: The errors of `read(at:into:)`.
  package func bytes(_ range: Range<Int>) throws -> Data {
    var data = Data(count: range.count)
    try data.withUnsafeMutableBytes { try read(at: range.lowerBound, into: $0) }
    return data
  }

  /// Returns all bytes.
  ///
  /// - Throws: The errors of `read(at:into:)`, and `InputError(.unsupported)` if there are more than `wholeLimit`
  ///   bytes.
  package func contents() throws -> Data {
    guard byteCount <= Self.wholeLimit else {
      throw InputError(
        .unsupported, "\(url.path) is larger than 1 GiB, so it is not the expected kind of file.")
    }
    return try bytes(0..<byteCount)
  }

  /// The maximum size of a file that is read as a whole.
  package static let wholeLimit = 1 << 30

  /// The attributes that change when a file is modified.
  private struct Version: Equatable {
    let byteCount: Int
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      #if canImport(Darwin)
        let time = status.st_mtimespec
      #else
        let time = status.st_mtim
      #endif
      (byteCount, seconds, nanoseconds) = (Int(status.st_size), Int(time.tv_sec), Int(time.tv_nsec))
    }
  }

  private func changed(_ what: String) -> InputError {
    InputError(
      .malformed,
      "\(url.path) \(what), but it had \(byteCount) bytes when it was opened: it was modified while it was being read. "
        + "Wait until it is complete, then start again.")
  }

  private static func notRegular(_ path: String) -> InputError {
    InputError(
      .malformed,
      "\(path) is a pipe, a socket or a device. Write its output to a file and specify that file.")
  }

  private static func openingError(_ number: Int32, _ path: String) -> InputError {
    switch number {
    case ENOENT, ENOTDIR: InputError(.missing, WebAddress.sentence(in: path) ?? "There is no file \(path).")
    case EACCES, EPERM: InputError(.missing, "\(path) cannot be opened: check its read permissions.")
    // Errors from opening a socket or a device without a driver.
    case ENXIO, ENODEV, EOPNOTSUPP: notRegular(path)
    default: InputError(.malformed, "\(path) cannot be opened: \(String(cString: strerror(number))).")
    }
  }
}
