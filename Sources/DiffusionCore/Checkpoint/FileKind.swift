package import Foundation
internal import InputOutput

/// What a file is, by its first bytes and the names of its tensors.
package enum FileKind: Sendable {
  /// A picture, of a format that is read or not.
  case picture
  /// An inversion, finished or not.
  case inversion(SafetensorsFile)
  case lora(SafetensorsFile)
  /// A model of a kind that is not supported.
  case foreign(ForeignModel)
  /// Safetensors of none of these kinds: a checkpoint, or some of its networks.
  case networks(SafetensorsFile)

  /// What the metadata of an inversion give as `format`.
  package static let inversionFormat = "null-text-inversion"

  /// - Throws: `InputError` if the file is missing, damaged, or none of these.
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

  /// The error for a file that cannot be safetensors; nil if it was meant to be, by its name.
  private static func error(forOther url: URL, _ start: Data) -> InputError? {
    let name = url.pathExtension.lowercased()
    let isSafetensors = ["safetensors", "nti", "partial"].contains(name)
    if start.starts(with: "GGUF".utf8) {
      return .unsupported(url, "a GGUF file, which is not read. \(conversion(of: url))")
    }
    // A zip file, as PyTorch writes, or a bare pickle.
    if start.starts(with: "PK\u{3}\u{4}".utf8) || ["ckpt", "pt", "pth", "bin"].contains(name)
      || start.first == 0x80 && !isSafetensors
    {
      return .unsupported(
        url, "a pickled checkpoint, a format that can run code when it is read. \(conversion(of: url))")
    }
    return isSafetensors
      ? nil : .unsupported(url, "neither a picture, an inversion nor a model that could be read.")
  }

  /// How to get a folder in the layout of diffusers out of a file of another format.
  static func conversion(of url: URL) -> String {
    "Make a folder of it with diffusers: `StableDiffusionPipeline.from_single_file(\"\(url.lastPathComponent)\")"
      + ".save_pretrained(\"\(url.deletingPathExtension().lastPathComponent)\")`."
  }

  /// The tensors of a file that is to hold networks of a checkpoint.
  ///
  /// - Throws: `InputError` if it is missing, damaged, or something else.
  static func networks(of url: URL) throws -> SafetensorsFile {
    switch try FileKind(of: url) {
    case .networks(let file): return file
    case .foreign(let model): throw model.error
    case .picture: throw InputError.unsupported(url, "a picture; a model is a folder or a safetensors file.")
    case .inversion:
      throw InputError.unsupported(
        url, "an inversion, not a model; the model is the one that it was made with.")
    case .lora:
      throw InputError.unsupported(
        url, "a LoRA, which changes a model but is none. Name it with --lora, beside a model.")
    }
  }
}

extension InputError {
  /// The error for a file that is something else than was wanted.
  ///
  /// - Parameter sentence: goes on after "is".
  static func unsupported(_ url: URL, _ sentence: String) -> InputError {
    InputError(.unsupported, "\(url.path) is \(sentence)")
  }
}
