internal import DiffusionCore
internal import Foundation

/// Saves an unfinished inversion in a file, so that it can continue after an interruption.
///
/// The file is an inversion file with fewer steps. It is replaced atomically after each step and is therefore always
/// valid.
struct PartialInversion {
  let url: URL

  init(_ url: URL) { self.url = url }

  /// Returns the saved inversion, or nil if there is none.
  ///
  /// - Throws: `InputError` if it is damaged or belongs to another image, caption, model or other options.
  func resume(_ begun: Inversion) throws -> UnfinishedInversion? {
    guard var unfinished = try kept() else { return nil }
    let kept = unfinished.inversion
    if let what = InversionArguments(of: kept).difference(from: InversionArguments(of: begun)) {
      throw InputError(
        .mismatch,
        "\(url.path) is an unfinished inversion with \(what). Remove it to start again, or use "
          + "the same arguments as before to continue.")
    }
    guard kept.pivots.first == begun.pivots[0] else {
      throw InputError(
        .mismatch,
        "\(url.path) was started on a processor or by a build of this program that rounds differently, or it is damaged. "
          + "Continue it where it was started, or remove it to start again.")
    }
    guard
      kept.trajectory.count == kept.nullEmbeddings.count + (kept.trajectory.isEmpty ? 0 : 1),
      kept.trajectory.isEmpty
        || kept.pivots.count == kept.stepCount + 1 && kept.trajectory[0] == kept.pivots.last
    else {
      throw InputError(.malformed, "\(url.path) is damaged. Remove it to start again.")
    }
    // An older version may have stored another form of the fingerprint.
    unfinished.inversion.modelFingerprint = begun.modelFingerprint
    return unfinished
  }

  private func kept() throws -> UnfinishedInversion? {
    do {
      return try InversionReader(url).unfinished()
    } catch let error as InputError where error.kind == .missing {
      return nil
    }
  }

  /// Replaces the saved inversion.
  func keep(_ unfinished: UnfinishedInversion) throws { try unfinished.write(to: url) }

  /// Removes the saved inversion after the result is finished and written.
  func remove() { try? FileManager.default.removeItem(at: url) }
}
