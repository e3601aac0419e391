import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Weights") struct WeightsTests {
  /// Calls `body` with a checkpoint folder that contains the given files.
  private func withCheckpoint<R>(_ files: [String: [UInt8]], _ body: (Checkpoint) throws -> R) throws
    -> R
  {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(at: folder("unet"), withIntermediateDirectories: true)
    for (path, bytes) in files { _ = try folder.file(path, bytes) }
    return try withExtendedLifetime(folder) { try body(Checkpoint(folder.url)) }
  }

  /// Returns a safetensors file with one number per name.
  private func weights(_ numbers: [String: Float]) -> [UInt8] {
    var writer = SafetensorsWriter()
    for (name, number) in numbers { writer.add(name, Tensor([number], shape: [1])) }
    return Array(writer.data())
  }

  private func failure(_ body: () throws -> Void) -> InputError? {
    do {
      try body()
      return nil
    } catch {
      return error as? InputError
    }
  }

  @Test("scopes can be selected one by one, by number, or by path")
  func scopes() throws {
    let numbers: [String: Float] = ["a.b.0.weight": 1, "a.b.10.weight": 2, "a.bc": 3, "a": 4]
    try withCheckpoint(["unet/model.safetensors": weights(numbers)]) { checkpoint in
      let weights = try checkpoint.weights(of: .unet)
      #expect(weights.path == "" && weights["a"]["b"][10].path == "a.b.10")
      #expect(try weights["a"]["b"][10].tensor("weight").scalars == [2])
      #expect(try weights["a.b.0"].tensor("weight", shape: [1]).scalars == [1])
      #expect(try weights.tensor("a.b.10.weight").scalars == [2])
      #expect(try weights.tensor("a").scalars == [4])
      let a = weights["a"]
      #expect(a.contains("b") && a.contains("bc") && a.contains("b.0") && a.contains("b.0.weight"))
      #expect(!a.contains("b.1") && !a.contains("c") && !a.contains("b.0.weigh") && !a.contains("bc.0"))
      #expect(a.shape(of: "bc") == [1] && a.shape(of: "b") == nil)
    }
  }

  @Test("the error for a missing or misshapen tensor has its full name, its file and both shapes")
  func misfits() throws {
    try withCheckpoint(["unet/model.safetensors": weights(["a.b": 1])]) { checkpoint in
      let path = checkpoint.url.appending(path: "unet/model.safetensors").path
      let scope = try checkpoint.weights(of: .unet)["a"]
      let missing = failure { _ = try scope.tensor("c", shape: [1]) }
      #expect(missing?.kind == .missing)
      for word in ["\"a.c\"", path] { #expect(missing?.message.contains(word) == true) }
      let misshapen = failure { _ = try scope.tensor("b", shape: [2, 3]) }
      #expect(misshapen?.kind == .malformed)
      for word in ["\"a.b\"", "[1]", "[2, 3]", path] { #expect(misshapen?.message.contains(word) == true) }
    }
  }

  @Test("full precision is preferred to half precision, and pickled files are ignored")
  func preference() throws {
    let names = [
      "diffusion_pytorch_model.safetensors", "model.safetensors", "diffusion_pytorch_model.fp16.safetensors",
      "model.fp16.safetensors",
    ]
    for first in names.indices {
      var files = ["unet/diffusion_pytorch_model.bin": [UInt8](), "unet/other.safetensors": []]
      for (number, name) in names.enumerated().dropFirst(first) {
        files["unet/\(name)"] = weights(["x": Float(number)])
      }
      let found = try withCheckpoint(files) { try $0.weights(of: .unet).tensor("x").scalars }
      #expect(found == [Float(first)])
    }
  }

  @Test(
    "sharded weights are read in full and half precision",
    arguments: [
      "diffusion_pytorch_model.safetensors.index.json", "model.safetensors.index.json",
      "diffusion_pytorch_model.fp16.safetensors.index.json", "model.safetensors.fp16.index.json",
      "diffusion_pytorch_model.safetensors.index.fp16.json",
    ])
  func shards(index: String) throws {
    let map = #"{"metadata":{"total_size":8},"weight_map":{"a.x":"1.safetensors","a.y":"2.safetensors"}}"#
    let files = [
      "unet/\(index)": Array(map.utf8), "unet/1.safetensors": weights(["a.x": 1, "a.y": 9]),
      "unet/2.safetensors": weights(["a.y": 2]),
    ]
    try withCheckpoint(files) { checkpoint in
      let scope = try checkpoint.weights(of: .unet)["a"]
      #expect(try scope.tensor("x").scalars == [1] && scope.tensor("y").scalars == [2])
    }
  }

  @Test(
    "a damaged set of shards throws",
    arguments: [
      (#"{"weight_map":{"x":"2.safetensors"}}"#, .missing, "2.safetensors"),
      (#"{"weight_map":{"y":"1.safetensors"}}"#, .missing, "\"y\""),
      (#"{"weight_map":{"x":"../x.safetensors"}}"#, .malformed, "../x"),
      (#"{"weight_map":{"x":".."}}"#, .malformed, ".."), (#"{"weight_map":["x"]}"#, .malformed, "weight_map"),
      ("{}", .malformed, "weight_map"),
    ] as [(String, InputError.Kind, String)])
  func brokenShards(map: String, kind: InputError.Kind, word: String) throws {
    let files = [
      "unet/model.safetensors.index.json": Array(map.utf8), "unet/1.safetensors": weights(["x": 1]),
      "x.safetensors": weights(["x": 1]),
    ]
    let error = try withCheckpoint(files) { checkpoint in failure { _ = try checkpoint.weights(of: .unet) } }
    #expect(error?.kind == kind && error?.message.contains(word) == true)
  }

  @Test("the error for missing or pickled weights says what to do")
  func absent() throws {
    try withCheckpoint(["unet/diffusion_pytorch_model.bin": [1]]) { checkpoint in
      let error = failure { _ = try checkpoint.weights(of: .unet) }
      #expect(error?.kind == .unsupported && error?.message.contains("Convert") == true)
    }
    try withCheckpoint([:]) { checkpoint in
      let weights = failure { _ = try checkpoint.weights(of: .unet) }
      #expect(weights?.kind == .missing && weights?.message.contains("unet") == true)
      let part = failure { _ = try checkpoint.weights(of: .vae) }
      #expect(part?.kind == .missing && part?.message.contains("vae") == true)
    }
  }
}
