import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Weights that are not finite") struct NotFiniteWeightTests {
  /// A tensor of each network, with its file and checkpoint, in three precisions.
  struct Place: CustomTestStringConvertible, Sendable {
    let model: String
    let path: String
    let tensor: String

    var testDescription: String { "\(model)/\(path): \(tensor)" }
  }

  static let places = [
    Place(
      model: "four-levels", path: "unet/diffusion_pytorch_model.safetensors", tensor: "conv_out.weight"),
    Place(
      model: "four-levels", path: "vae/diffusion_pytorch_model.safetensors", tensor: "decoder.conv_out.bias"),
    Place(model: "linear-v", path: "unet/diffusion_pytorch_model.safetensors", tensor: "conv_out.weight"),
    Place(
      model: "linear-v", path: "text_encoder/model.safetensors", tensor: "final_layer_norm.weight"),
    Place(model: "plain-first", path: "unet/diffusion_pytorch_model.safetensors", tensor: "conv_out.bias"),
    Place(
      model: "plain-first", path: "vae/diffusion_pytorch_model.safetensors",
      tensor: "encoder.conv_out.weight"),
  ]

  @Test("throw when the model is read; the error names tensor, file and index", arguments: places)
  func refusal(place: Place) throws {
    for number in [Float.nan, -.nan, .infinity, -.infinity] {
      let copy = try CheckpointCopy(of: place.model)
      try copy.set(number, of: place.tensor, at: 2, in: place.path)
      let error = #expect(throws: InputError.self) { try copy.model() }
      #expect(error?.kind == .malformed)
      for part in ["\"\(place.tensor)\"", place.path, "NaN or infinity", "at index 2"] {
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "") names \(part)")
      }
    }
  }

  @Test("the largest finite numbers of each type are read, the next bit pattern throws")
  func limits() throws {
    // The type, the largest finite bit pattern, and its value in single precision.
    let cases: [(String, [UInt8], Float)] = [
      ("F16", bytes(UInt16(0x7bff)), 65504), ("BF16", bytes(UInt16(0x7f7f)), 0x1.fep127),
      ("F32", bytes(UInt32(0x7f7f_ffff)), .greatestFiniteMagnitude),
      // The largest double that rounds to a finite single-precision number.
      ("F64", bytes((0x1.ffffffp127 as Double).nextDown.bitPattern), .greatestFiniteMagnitude),
    ]
    for (type, pattern, value) in cases {
      let zero = [UInt8](repeating: 0, count: pattern.count)
      var negative = pattern
      negative[pattern.count - 1] |= 0x80
      #expect(try read(type, zero + pattern + negative).scalars == [0, value, -value])

      var next = pattern
      for index in next.indices {
        next[index] &+= 1
        if next[index] != 0 { break }
      }
      let error = #expect(throws: InputError.self) { try read(type, zero + pattern + next) }
      #expect(error?.message.contains("at index 2") == true)
    }
  }

  private func bytes(_ pattern: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: pattern.littleEndian) { Array($0) }
  }

  /// Reads three scalars as a tensor.
  private func read(_ type: String, _ scalars: [UInt8]) throws -> Tensor {
    let header = #"{"x":{"dtype":"\#(type)","shape":[3],"data_offsets":[0,\#(scalars.count)]}}"#
    let folder = try ScratchFolder()
    let url = try folder.file(
      "x.safetensors", bytes(UInt64(header.utf8.count)) + Array(header.utf8) + scalars)
    return try WeightScope(SafetensorsFile(contentsOf: url)).tensor("x")
  }
}
