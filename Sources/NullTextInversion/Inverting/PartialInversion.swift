internal import DiffusionCore
internal import Foundation

/// Keeps an inversion under way in a file, so that it can go on after it was stopped, by whatever.
///
/// The file is an inversion file with fewer steps. It is replaced as a whole after each step, so that it is sound
/// whenever the program ends.
struct PartialInversion {
  let url: URL

  init(_ url: URL) { self.url = url }

  /// The inversion as it was left, if there is one.
  ///
  /// - Throws: `InputError` if it is damaged, or not of this picture, caption, model or these options.
  func resume(_ begun: Inversion) throws -> UnfinishedInversion? {
    guard var unfinished = try kept() else { return nil }
    let kept = unfinished.inversion
    if let what = InversionArguments(of: kept).difference(from: InversionArguments(of: begun)) {
      throw InputError(
        .mismatch,
        "\(url.path) is the beginning of an inversion with \(what). Remove it to start afresh, or give "
          + "the same arguments as before to go on.")
    }
    guard kept.pivots.first == begun.pivots[0] else {
      throw InputError(
        .mismatch,
        "\(url.path) was begun on a processor, or by a build of this program, that rounds differently, or is damaged. "
          + "Go on where it was begun, or remove it to start afresh.")
    }
    guard
      kept.trajectory.count == kept.nullEmbeddings.count + (kept.trajectory.isEmpty ? 0 : 1),
      kept.trajectory.isEmpty
        || kept.pivots.count == kept.stepCount + 1 && kept.trajectory[0] == kept.pivots.last
    else {
      throw InputError(.malformed, "\(url.path) is damaged. Remove it to start afresh.")
    }
    // It may have been begun by a version with other fingerprints.
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

  /// Replaces what is kept.
  func keep(_ unfinished: UnfinishedInversion) throws { try unfinished.write(to: url) }

  /// Removes what is kept, once the inversion is finished and written.
  func remove() { try? FileManager.default.removeItem(at: url) }
}
