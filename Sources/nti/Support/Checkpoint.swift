internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// A model whose small parts have been read: enough to check words before the networks are.
struct Checkpoint {
  let folder: CheckpointFolder
  let tokenizer: CLIPTokenizer

  init(_ url: URL) throws {
    folder = try CheckpointFolder(url)
    tokenizer = try CLIPTokenizer(folder)
  }

  /// - Throws: `InputError` if a text has more tokens than the model reads.
  @discardableResult
  func check(_ text: String, as role: String) throws -> TokenizedPrompt {
    do {
      return try tokenizer.encode(text)
    } catch let error as InputError {
      throw InputError(error.kind, "The \(role) cannot be used: \(error.message)")
    }
  }

  /// - Throws: `InputError(.mismatch)` if an inversion was made with another model.
  func check(_ inversion: Inversion, _ path: String) throws {
    let fingerprint = try folder.modelFingerprint()
    guard inversion.modelFingerprint == fingerprint else {
      throw InputError(
        .mismatch,
        "\(path) was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(folder.url.path) (\(fingerprint)); name the one it was made with by --model.")
    }
  }

  /// Reads the networks.
  func load(_ progress: ProgressLine, memory: MemoryLimits = MemoryLimits()) async throws -> ImageEditor {
    if let savings = memory.model.savings { progress.note("to take less memory, \(savings)") }
    progress.begin("reading the model")
    return try await ImageEditor(model: .directory(folder.url), memory: memory)
  }
}

extension RGBImage {
  /// - Throws: `InputError(.outOfRange)` if a side is too short to be inverted.
  func checkIsLargeEnough(_ path: String) throws {
    guard min(width, height) >= Self.shortestSide else {
      throw InputError(
        .outOfRange,
        "\(path) has \(width) x \(height) pixels; at least \(Self.shortestSide) a side are needed.")
    }
  }
}
