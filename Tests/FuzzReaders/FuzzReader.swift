internal import DiffusionCore
internal import EditEvaluation
internal import EmojiScenes
package import Foundation
internal import InputOutput
internal import NullTextInversion
internal import Pictures
internal import TestSupport

/// A reader of external bytes, called by a fuzzer (`make fuzz`) and by tests with the inputs that a fuzzer has
/// collected (`Tests/Corpus`).
///
/// For any bytes, each must return a value or throw an `InputError`: no trap, no other error, no disproportionate
/// memory use.
package enum FuzzReader: String, CaseIterable, Sendable {
  /// A safetensors file: the header and all tensors.
  case safetensors
  /// A checkpoint in a single file.
  case singleFile
  /// A LoRA for a checkpoint.
  case lora
  /// The index of a sharded checkpoint.
  case index
  /// The `config.json` of a network; the first byte selects the network.
  case configuration
  /// A file of a tokenizer; the first byte selects the file.
  case tokenizer
  /// A text to tokenize.
  case text
  /// An inversion, complete or partial.
  case inversion
  /// A picture of any format.
  case picture
  /// The color profile of a picture; the first byte selects an RGB, gray or CMYK picture.
  case profile
  /// The options of an edit and of an inversion, as stored in recipes and inversions.
  case options
  /// The records of a benchmark, with run-length masks.
  case benchmark

  /// Reads `bytes`, and ends the process if an error other than `InputError` is thrown.
  package func read(_ bytes: Data) {
    do {
      try answer(bytes)
    } catch is InputError {
    } catch let error as DecodingError where self == .options {
      // The readers of options convert these errors to messages.
      _ = JSONFault.sentence(for: error)
    } catch {
      fatalError("\(rawValue) threw \(type(of: error)): \(error)")
    }
  }

  private func answer(_ bytes: Data) throws {
    switch self {
    case .safetensors:
      let file = try SafetensorsFile(contentsOf: Self.folder.file("a.safetensors", bytes))
      for name in file.names {
        _ = try? file.requiringFinite.tensor(named: name)
        _ = try? file.integers(named: name)
      }
    case .singleFile:
      let url = try Self.folder.file("model.safetensors", bytes)
      _ = try? DiffusionModel(.file(url))
      let checkpoint = try Checkpoint(url)
      for part in Checkpoint.Part.allCases where checkpoint.contains(part) {
        _ = try? checkpoint.weightSummary(of: part)
      }
      _ = try ModelConfiguration(checkpoint)
      _ = try checkpoint.modelFingerprint()
    case .lora:
      let url = try Self.folder.file("lora.safetensors", bytes)
      if case .lora(let file) = try FileKind(of: url) { _ = try LoRASummary(file, checksValues: true) }
      var options = ModelOptions()
      options.loras = [LoRA(url, weight: 0.5)]
      _ = try DiffusionModel(.directory(Fixtures.url("models/four-levels")), options: options)
    case .index:
      let name = "unet/diffusion_pytorch_model.safetensors.index.json"
      let folder = try Self.modelCopy.replacing(name, with: bytes)
      let weights = try folder.weights(of: .unet)
      _ = try weights.tensor("conv_in.weight")
    case .configuration:
      let names = [
        "unet/config.json", "vae/config.json", "text_encoder/config.json", "scheduler/scheduler_config.json",
      ]
      let folder = try Self.modelCopy.replacing(
        names[Int(bytes.first ?? 0) % names.count], with: bytes.dropFirst())
      _ = try NoiseSchedule(folder.configuration(of: .scheduler))
      _ = try ModelMemory(folder, largestGrid: 16)
      _ = try DiffusionModel(.directory(folder.url))
    case .tokenizer:
      let names = [
        "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "tokenizer.json",
      ]
      let name = "tokenizer/\(names[Int(bytes.first ?? 0) % names.count])"
      let folder = try Self.modelCopy.replacing(name, with: bytes.dropFirst())
      _ = try CLIPTokenizer(folder).encode("a cat's 2 mirrors, ½ naïve <|endoftext|>")
    case .text:
      let text = String(decoding: bytes, as: UTF8.self)
      let prompt = try Self.bundledTokenizer.encode(text)
      let words = PromptWords(prompt)
      for word in words.words { _ = try words.tokens(of: word.text) }
      _ = try Self.bundledTokenizer.paddedIDs(of: text)
    case .inversion:
      let url = try Self.folder.file("a.nti", bytes)
      _ = try Inversion(contentsOf: url).fileData()
    case .picture:
      _ = RGBImage.text(in: bytes)
      _ = try RGBImage(data: bytes)
    case .profile:
      let jpeg = Self.jpegs[Int(bytes.first ?? 0) % Self.jpegs.count]
      let profile = bytes.dropFirst()
      let pieces = stride(from: profile.startIndex, to: profile.endIndex, by: 60_000).map {
        profile[$0..<min($0 + 60_000, profile.endIndex)]
      }
      let segments = pieces.enumerated().map { number, piece in
        let body = Data("ICC_PROFILE\0".utf8) + [UInt8(number + 1), UInt8(pieces.count)] + piece
        return Data([0xFF, 0xE2, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 0xFF)]) + body
      }
      _ = try RGBImage(data: jpeg.prefix(2) + segments.joined() + jpeg.dropFirst(2))
    case .options:
      let recommendation = try? JSONDecoder().decode(EditingRecommendation.self, from: bytes)
      _ = recommendation?.editOptions(from: "a cat on a mat", to: "a cat")
      _ = try JSONDecoder().decode(EditOptions.self, from: bytes)
      _ = try JSONDecoder().decode(InversionOptions.self, from: bytes)
    case .benchmark:
      let url = try Self.folder.file("mapping_file.json", bytes)
      let benchmark = try PIEBench(contentsOf: url.deletingLastPathComponent())
      for record in benchmark.records {
        let size = record.maskSize ?? PixelSize(width: 16, height: 16)
        _ = try RunLengthMask(runs: record.maskRuns, width: size.width, height: size.height)
      }
    }
  }

  private static let folder: ScratchFolder = {
    do {
      return try ScratchFolder()
    } catch {
      fatalError("cannot create a temporary folder: \(error)")
    }
  }()
  private static let jpegs = ["photos/orientation-1.jpg", "pictures/grey.jpg", "photos/cmyk.jpg"].map {
    name in
    do {
      return try Data(contentsOf: Fixtures.url(name))
    } catch {
      fatalError("cannot read the picture \(name): \(error)")
    }
  }
  private static let modelCopy = ScratchCheckpoint()
  private static let bundledTokenizer: CLIPTokenizer = {
    do {
      return try CLIPTokenizer(Checkpoint(EmojiScenes.folder()))
    } catch {
      fatalError("cannot read the bundled tokenizer: \(error)")
    }
  }()
}
