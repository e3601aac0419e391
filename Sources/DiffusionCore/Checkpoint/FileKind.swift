package import Foundation
internal import InputOutput

/// The kind of a file, determined from its first bytes and its tensor names.
package enum FileKind: Sendable {
  /// A picture, in a supported format or not.
  case picture
  /// A finished or unfinished inversion.
  case inversion(SafetensorsFile)
  case lora(SafetensorsFile)
  /// A model of an unsupported kind.
  case foreign(ForeignModel)
  /// Any other safetensors file: a checkpoint or some of its networks.
  case networks(SafetensorsFile)

  /// The value of `format` in the metadata of an inversion.
  package static let inversionFormat = "null-text-inversion"

  /// - Throws: `InputError` if the file is missing, damaged or of another kind.
  package init(of url: URL) throws {
    let file = try InputFile(url)
    let start = try file.prefix(PictureFormat.magicLength)
    guard PictureFormat(of: [UInt8](start)) == nil else {
      self = .picture
      return
    }
    let tensors: SafetensorsFile
    do {
      tensors = try SafetensorsFile(file)
    } catch let error as InputError {
      throw Self.error(forOther: url, start) ?? error
    }
    if tensors.metadata["format"] == Self.inversionFormat {
      self = .inversion(tensors)
    } else if LoRAFile.isLoRA(tensors.names) {
      self = .lora(tensors)
    } else if let model = ForeignModel(tensors) {
      self = .foreign(model)
    } else {
      self = .networks(tensors)
    }
  }

  /// Returns the error for a file that is not a safetensors file; nil if its name has the extension of one, because
  /// then the error of reading it is more useful.
  private static func error(forOther url: URL, _ start: Data) -> InputError? {
    let name = url.pathExtension.lowercased()
    let isSafetensors = ["safetensors", "nti", "partial"].contains(name)
    if start.starts(with: "GGUF".utf8) {
      return .unsupported(url, "a GGUF file, which is not supported. \(conversion(of: url))")
    }
    // A zip file, as PyTorch writes, or a bare pickle.
    if start.starts(with: "PK\u{3}\u{4}".utf8) || ["ckpt", "pt", "pth", "bin"].contains(name)
      || start.first == 0x80 && !isSafetensors
    {
      return .unsupported(
        url,
        "a pickled checkpoint. That format can run code when it is loaded, so it is not supported. "
          + "\(conversion(of: url))")
    }
    return isSafetensors
      ? nil : .unsupported(url, "not a supported picture, inversion or model.")
  }

  /// Returns advice on how to convert a file of another format to the diffusers layout.
  static func conversion(of url: URL) -> String {
    "Convert it to a folder with diffusers: `StableDiffusionPipeline.from_single_file(\"\(url.lastPathComponent)\")"
      + ".save_pretrained(\"\(url.deletingPathExtension().lastPathComponent)\")`."
  }

  /// Opens a file that must hold networks of a checkpoint.
  ///
  /// - Throws: `InputError` if the file is missing, damaged or of another kind.
  static func networks(of url: URL) throws -> SafetensorsFile {
    switch try FileKind(of: url) {
    case .networks(let file): return file
    case .foreign(let model): throw model.error
    case .picture:
      throw InputError.unsupported(
        url, "a picture, not a model. A model is a folder or a safetensors file.")
    case .inversion:
      throw InputError.unsupported(
        url, "an inversion, not a model. Name the model that it was made with.")
    case .lora:
      throw InputError.unsupported(
        url, "a LoRA, not a model. Name a model, and add this file with --lora.")
    }
  }
}

extension InputError {
  /// Returns the error for a file of the wrong kind.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - sentence: The rest of the sentence after "is".
  static func unsupported(_ url: URL, _ sentence: String) -> InputError {
    InputError(.unsupported, "\(url.path) is \(sentence)")
  }
}
