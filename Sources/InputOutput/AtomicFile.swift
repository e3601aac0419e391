package import Foundation

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Files that appear under their names only when they are complete.
///
/// The bytes go to a hidden file in the same folder, which replaces the old file at the end. If an error occurs before
/// that, the old file is unchanged and the hidden file is removed.
package enum AtomicFile {
  /// Writes `data` to a file.
  ///
  /// - Parameters:
  ///   - data: The bytes of the file.
  ///   - url: The path of the file.
  ///   - synchronized: Whether to wait until the disk has stored the bytes, so that a power failure cannot leave an
  ///     empty file.
  /// - Throws: ``InputError`` `unwritable`.
  package static func write(_ data: Data, to url: URL, synchronized: Bool = false) throws {
    try write(to: url, synchronized: synchronized) { try $0.append(data) }
  }

  /// Writes the bytes that `body` appends to a file.
  ///
  /// - Parameters:
  ///   - url: The path of the file.
  ///   - synchronized: Whether to wait until the disk has stored the bytes.
  ///   - body: Appends the bytes.
  /// - Throws: ``InputError`` `unwritable`, and the errors of `body`; the file is then unchanged.
  package static func write(
    to url: URL, synchronized: Bool = false, _ body: (borrowing Writer) throws -> Void
  ) throws {
    let target = try Target(url)
    let writer = try Writer(for: target)
    var isDone = false
    defer {
      close(writer.descriptor)
      if !isDone { unlink(writer.path) }
    }
    try body(writer)
    if synchronized, fsync(writer.descriptor) != 0 { throw target.error(errno) }
    guard rename(writer.path, target.path) == 0 else { throw target.error(errno) }
    isDone = true
  }

  /// Checks that a file can be written, before the work of computing its content.
  ///
  /// Creates and removes an empty hidden file in the folder, which is the only reliable check.
  ///
  /// - Throws: ``InputError`` `unwritable`.
  package static func checkWritable(_ url: URL) throws {
    let writer = try Writer(for: Target(url))
    close(writer.descriptor)
    unlink(writer.path)
  }

  /// Appends bytes to a file that is being written.
  package struct Writer: ~Copyable {
    fileprivate let target: Target
    fileprivate let path: String
    fileprivate let descriptor: Int32

    fileprivate init(for target: Target) throws {
      self.target = target
      let name = (target.path as NSString).lastPathComponent
      path = "\(target.folder)/.\(name.prefix(40)).\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
      descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw target.error(errno) }
      if let mode = target.mode { _ = fchmod(descriptor, mode) }
    }

    /// Appends bytes.
    package borrowing func append(_ data: some DataProtocol) throws {
      for region in data.regions { try region.withUnsafeBytes { try append($0) } }
    }

    private borrowing func append(_ bytes: UnsafeRawBufferPointer) throws {
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest)
        // Linux writes at most 2 GiB at a time.
        let count = writeOnce(descriptor, piece.baseAddress, min(piece.count, 1 << 30))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw target.error(count < 0 ? errno : ENOSPC) }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// A path to which a file can be written.
  fileprivate struct Target {
    let path: String
    let folder: String
    /// The permissions of the existing file, if any.
    var mode: mode_t?

    init(_ url: URL) throws {
      path = try Self.destination(of: url)
      let folder = (path as NSString).deletingLastPathComponent
      self.folder = folder.isEmpty ? "." : folder
      var status = stat()
      if stat(path, &status) == 0 {
        mode = status.st_mode & 0o777
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw unwritable("it is a folder; specify a file in it")
        default: throw unwritable("it is not a regular file")
        }
      } else if errno != ENOENT {
        throw error(errno)
      }
      guard stat(folder, &status) == 0 else {
        throw errno == ENOENT
          ? unwritable("there is no folder \(folder); create it first") : error(errno)
      }
    }

    /// Returns the file that a path refers to: symbolic links are preserved, including those to files that do not exist
    /// yet.
    private static func destination(of url: URL) throws -> String {
      // The limit of links that Linux follows.
      let linkLimit = 40
      var url = url
      for _ in 0..<linkLimit {
        // Foundation resolves only links to existing files.
        url = url.resolvingSymlinksInPath()
        guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path) else {
          return url.path
        }
        url = URL(fileURLWithPath: next, relativeTo: url.deletingLastPathComponent()).absoluteURL
      }
      throw InputError(
        .unwritable, "\(url.path) cannot be written: it is a symbolic link that points to itself.")
    }

    /// Returns the error for an error number of the system.
    func error(_ number: Int32) -> InputError {
      switch number {
      case ENOENT where access(folder, F_OK) == 0: unwritable("no file can be created in \(folder)")
      case ENOENT: unwritable("there is no folder \(folder); create it first")
      case ENOTDIR: unwritable("\(folder) is not a folder")
      case EACCES, EPERM: unwritable("you have no permission to write in \(folder)")
      case EROFS: unwritable("\(folder) is read-only")
      case ENOSPC, EDQUOT: unwritable("the disk is full")
      case EFBIG: unwritable("the file would be larger than allowed")
      case ENAMETOOLONG: unwritable("the name is too long")
      default: unwritable(String(cString: strerror(number)))
      }
    }

    private func unwritable(_ reason: String) -> InputError {
      InputError(.unwritable, "\(path) cannot be written: \(reason).")
    }
  }
}

/// Calls the system's `write`, which `AtomicFile.write` shadows.
private func writeOnce(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
