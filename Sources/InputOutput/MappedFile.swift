package import Foundation

/// The bytes of a file, mapped into memory for reading.
///
/// Pages come in when they are first touched, so that opening a checkpoint of gigabytes costs nothing. Whoever hands
/// out pointers into `bytes` keeps the object alive with them. The file must not be cut short while it is mapped.
///
/// `@unchecked Sendable`: the bytes are never written.
package final class MappedFile: @unchecked Sendable {
  package let url: URL
  package let bytes: UnsafeRawBufferPointer

  /// - Throws: `InputError` if the file is missing, is a folder, or cannot be read.
  package init(_ url: URL) throws {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let fault = errno
      let kind: InputError.Kind = fault == ENOENT || fault == ENOTDIR ? .missing : .malformed
      throw InputError(kind, "Cannot open \(url.path): \(String(cString: strerror(fault))).")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw InputError(.malformed, "\(url.path) is not a file.")
    }
    self.url = url
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw InputError(.malformed, "Cannot read \(url.path): \(String(cString: strerror(errno))).")
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Tells the system that few places will be read, so that it does not read what lies around each.
  package func expectScatteredReads() {
    guard let base = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: base), bytes.count, MADV_RANDOM)
  }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }
}
